"""A name server whose answers a test writes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dnslib import RR, DNSRecord


class NameServer:
    """Answers with the lines of ``zone`` that belong to the name asked for. ``silent`` questions get no answer."""

    def __init__(self) -> None:
        self.zone: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.silent = 0
        self.cut = False
        self._stream = socket.create_server(("127.0.0.1", 0))
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(self._stream.getsockname())
        self.port = self._stream.getsockname()[1]
        self.ended = False
        threading.Thread(target=self._by_datagram, daemon=True).start()
        threading.Thread(target=self._by_stream, daemon=True).start()

    def close(self) -> None:
        self.ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        with suppress(ConnectionRefusedError):  # It had ended by itself.
            socket.create_connection(("127.0.0.1", self.port)).close()

    def _by_datagram(self) -> None:
        with self._datagrams:
            while not self.ended:
                packet, client = self._datagrams.recvfrom(4096)
                if packet and (answer := self._answer(packet, cut=self.cut)):
                    self._datagrams.sendto(answer, client)

    def _by_stream(self) -> None:
        with self._stream:
            while not self.ended:
                connection, _ = self._stream.accept()
                with connection, connection.makefile("rb") as stream:
                    if head := stream.read(2):
                        answer = self._answer(stream.read(*struct.unpack("!H", head)), cut=False) or b""
                        connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, packet: bytes, *, cut: bool) -> bytes | None:
        question = DNSRecord.parse(packet)
        name = str(question.q.qname).rstrip(".")
        self.asked.append(name)
        if self.silent:
            self.silent -= 1
            return None
        answer = question.reply()
        if cut:
            answer.header.tc = 1
            return bytes(answer.pack())
        if name not in self.zone:
            answer.header.rcode = 3
        for line in self.zone.get(name, []):
            answer.add_answer(*RR.fromZone(line))
        return bytes(answer.pack())


@contextmanager
def name_server() -> Iterator[NameServer]:
    made = NameServer()
    try:
        yield made
    finally:
        made.close()
