"""The way out for commands of a drill on an emulated target: an HTTP proxy on loopback that refuses AWS.

Commands are pointed to it by HTTPS_PROXY. What is not AWS passes, by the caller's own proxy if there is one. A command
that heeds no proxy variables is not stopped here; what it finds of credentials is ours (``shell.environment``).
"""

from __future__ import annotations

import base64
import os
import selectors
import socket
import socketserver
import threading
from collections.abc import Mapping
from functools import cache
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from drillbook import egress
from drillbook.embedded.addresses import EVERYWHERE

_HEAD_LIMIT = 64 * 1024
_CONNECT_TIMEOUT = 10.0
_REFUSAL = "Refused by the egress rail: a drill on an emulated target may not reach AWS"


class Proxy(socketserver.ThreadingTCPServer):
    """Serves from a thread of its own, on a port of the system's choosing. ``upstream``: as in ``getproxies``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: Mapping[str, str]) -> None:
        super().__init__((EVERYWHERE, 0), _Request)
        self.upstream = dict(upstream)
        threading.Thread(target=self.serve_forever, name="egress-proxy", daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Either side may hang up at any time; that is no news."""

    @property
    def url(self) -> str:
        return f"http://{EVERYWHERE}:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def way_to(self, target: SplitResult) -> SplitResult | None:
        """The caller's own proxy for this target, if there is one."""
        chosen = self.upstream.get(target.scheme)
        if chosen is None or proxy_bypass_environment(target.netloc, self.upstream):
            return None
        return urlsplit(chosen if "//" in chosen else f"http://{chosen}")


@cache
def proxy() -> Proxy:
    """The one of this process, started at its first use."""
    return Proxy(getproxies_environment())


class _Request(socketserver.BaseRequestHandler):
    """One connection: a request's head, then bytes in both directions until either side ends."""

    request: socket.socket
    server: Proxy

    def handle(self) -> None:
        head = self._head()
        verb, _, rest = head.partition(b" ")
        asked = rest.partition(b" ")[0].decode("latin-1")
        target = _target(f"https://{asked}" if verb == b"CONNECT" else asked)
        if target is None or not target.hostname:
            self._answer("400 Not a request to a proxy")
        elif egress.is_aws(target.hostname):
            self._answer(f"403 {_REFUSAL} ({target.hostname})")
        else:
            self._pass(verb, head, target)

    def _head(self) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD_LIMIT and (more := self.request.recv(65536)):
            head += more
        return head

    def _answer(self, status: str) -> None:
        body = f"drillbook: {status.partition(' ')[2]}\n"
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        self.request.sendall(f"{head}\r\n{body}".encode())

    def _pass(self, verb: bytes, head: bytes, target: SplitResult) -> None:
        by = self.server.way_to(target)
        nearest = by or target
        port = nearest.port or (443 if nearest.scheme == "https" else 80)
        try:
            there = socket.create_connection((nearest.hostname or "", port), timeout=_CONNECT_TIMEOUT)
        except OSError as error:
            self._answer(f"502 {nearest.hostname} cannot be reached: {error.strerror or error}")
            return
        there.settimeout(None)
        with there:
            if by is not None:
                there.sendall(_introduced(head, by))
            elif verb == b"CONNECT":
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                there.sendall(head.partition(b"\r\n\r\n")[2])
            else:
                there.sendall(_closing(head))
            _join(self.request, there)


def _target(url: str) -> SplitResult | None:
    try:
        target = urlsplit(url)
        _ = target.port
    except ValueError:
        return None
    return target


def _introduced(head: bytes, proxy: SplitResult) -> bytes:
    """The request for the caller's own proxy, with the name and password that the caller gave for it."""
    if proxy.username is None:
        return head
    known = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    line, rest = head.split(b"\r\n", 1)
    return line + b"\r\nProxy-Authorization: Basic " + base64.b64encode(known) + b"\r\n" + rest


def _closing(head: bytes) -> bytes:
    """The request in the form for its own server, which is to close afterwards: the next may be for another one."""
    lines, _, body = head.partition(b"\r\n\r\n")
    request, *headers = lines.split(b"\r\n")
    verb, asked, version = request.split(b" ", 2)
    target = urlsplit(asked)
    path = (target.path or b"/") + (b"?" + target.query if target.query else b"")
    kept = [line for line in headers if not line.lower().startswith((b"proxy-", b"connection:"))]
    return b"\r\n".join([b" ".join([verb, path, version]), *kept, b"Connection: close"]) + b"\r\n\r\n" + body


def _join(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in ready.select():
                data = os.read(key.fd, 65536)
                if not data:
                    return
                key.data.sendall(data)
