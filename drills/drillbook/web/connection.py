"""An HTTP connection whose host is looked up by a resolver of one's choice."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection
from urllib.parse import SplitResult

from drillbook.web.resolver import Resolver, dial


class Connection(HTTPConnection):
    """As ``http.client``'s; the ``Host`` header and TLS carry the URL's host, wherever the resolver leads.

    ``timeout`` in seconds, of each wait. ``context``: for https.
    """

    def __init__(self, url: SplitResult, resolver: Resolver, timeout: float, context: ssl.SSLContext | None) -> None:
        self.default_port = 443 if url.scheme == "https" else 80
        super().__init__(url.hostname or "", url.port, timeout=timeout)
        self._url, self._resolver, self._limit, self._context = url, resolver, timeout, context

    def connect(self) -> None:
        """Raises socket.gaierror for a name that leads nowhere, else OSError."""
        self.sock = dial(self._resolver.places(self._url), self.host, self._limit, self._context)
