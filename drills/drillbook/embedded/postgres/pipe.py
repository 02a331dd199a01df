"""One connection through the network: two halves, each of which hands on what the other receives, late if asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

_FULL = 1 << 20
"""Bytes on their way through one direction before its sender is made to wait."""


class Half(asyncio.Protocol):
    """One end of a connection. What it receives is written to ``other`` after ``delay()`` seconds."""

    def __init__(self, delay: Callable[[], float], ended: Callable[[Half], None]) -> None:
        self.other: Half | None = None
        self.transport: asyncio.Transport | None = None
        self.silent = False
        """Receive nothing, send nothing: to both ends the other one looks hung."""
        self._delay, self._ended = delay, ended
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def join(self, other: Half) -> None:
        """Begin to carry, both ways."""
        self.other, other.other = other, self
        self._flush()
        other._flush()

    def data_received(self, data: bytes) -> None:
        delay = self._delay()
        if delay <= 0 and not self._waiting and self.other is not None and not self.silent:
            self.other.send(data)
            return
        self._waiting.append((asyncio.get_running_loop().time() + delay, data))
        self._bytes += len(data)
        if self._bytes > _FULL and self.transport is not None:
            self.transport.pause_reading()
        self._flush()

    def eof_received(self) -> bool:
        self._finished = True
        self._flush()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name and arguments
        self._finished = True
        self._flush()
        self._ended(self)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def silence(self, silent: bool) -> None:
        self.silent = silent
        if self.transport is not None and not self.transport.is_closing():
            (self.transport.pause_reading if silent else self.transport.resume_reading)()
        if not silent:
            self._flush()

    def abort(self) -> None:
        """Drop what is on its way, and the connection."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None:
            self.transport.abort()

    def _flush(self) -> None:
        """Hand on everything that is due; come back when the next is."""
        if self.other is None or self.silent:
            return
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            data = self._waiting.popleft()[1]
            self._bytes -= len(data)
            self.other.send(data)
        if self.transport is not None and self._bytes <= _FULL and not self.transport.is_closing():
            self.transport.resume_reading()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self._flush)
        elif self._finished and self.other.transport is not None:
            self.other.transport.close()
