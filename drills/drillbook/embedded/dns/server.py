"""A DNS server on loopback: UDP and TCP on one port that the system chooses, TCP connections a thread each."""

from __future__ import annotations

import logging
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from drillbook.embedded.addresses import region_at
from drillbook.embedded.dns.answers import DEFAULT_LOCATION, Names
from drillbook.embedded.dns.wire import PLAIN_LIMIT, respond

_HOST = "127.0.0.1"
_TRIES = 20
_PATIENCE = 10.0
"""Seconds that a TCP client may be silent."""
_log = logging.getLogger(__name__)


class DnsServer:
    """Serves from construction until ``close``. ``answered`` counts the questions that got an answer."""

    def __init__(self, names: Names) -> None:
        self.answered = 0
        self._names = names
        self._stream, self._datagrams = _bound(self._answer)
        self.address = f"{_HOST}:{self._stream.server_address[1]}"
        self._ended = False
        threading.Thread(target=self._stream.serve_forever, args=(0.5,), name="dns-tcp", daemon=True).start()
        threading.Thread(target=self._serve_datagrams, name="dns-udp", daemon=True).start()

    def close(self) -> None:
        self._ended = True
        # Its loop looks every half second whether it is to end, which nobody needs to wait for.
        threading.Thread(target=self._stream.shutdown, name="dns-tcp-end", daemon=True).start()
        self._stream.server_close()
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._datagrams.getsockname())  # Wakes the thread: closing a socket does not.
        self._datagrams.close()

    def _serve_datagrams(self) -> None:
        while not self._ended:
            with suppress(OSError):  # A client's closed port comes back as an error of the next receive.
                packet, client = self._datagrams.recvfrom(65535)
                if answer := self._answer(packet, client[0], PLAIN_LIMIT):
                    self._datagrams.sendto(answer, client)

    def _answer(self, packet: bytes, client: str, limit: int | None) -> bytes | None:
        try:
            answer = respond(packet, self._names, region_at(client) or DEFAULT_LOCATION, limit)
        except Exception:  # noqa: BLE001 - a question's last frame: the server lives on, and the asker gets no answer
            _log.exception("a DNS question was not answered")
            return None
        self.answered += answer is not None
        return answer


Answer = Callable[[bytes, str, int | None], bytes | None]


class _Stream(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away has nothing to be told."""


def _bound(answer: Answer) -> tuple[_Stream, socket.socket]:
    """Both servers on one free port."""

    class Connection(socketserver.StreamRequestHandler):
        timeout = _PATIENCE

        def handle(self) -> None:
            while len(head := self.rfile.read(2)) == 2:
                told = answer(self.rfile.read(*struct.unpack("!H", head)), self.client_address[0], None)
                if told is None:
                    return
                self.wfile.write(struct.pack("!H", len(told)) + told)

    for _ in range(_TRIES):
        stream = _Stream((_HOST, 0), Connection)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(stream.server_address)
        except OSError:
            stream.server_close()
            datagrams.close()
            continue
        return stream, datagrams
    raise OSError(f"no port of {_HOST} is free for both UDP and TCP")
