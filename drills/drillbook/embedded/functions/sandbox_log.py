"""What a sandbox prints: drained from its pipe, cut into lines, kept for the invocation that printed it."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable
from typing import IO

KEPT = 256 * 1024
"""Bytes kept of one invocation. AWS keeps all; a drill reads the last lines."""


class SandboxLog:
    """Reads a pipe without ever letting it fill up, and knows after an answer that all that came before it is in.

    The runtime client writes a function's output into the pipe before it posts the answer. So whoever holds the answer
    drains the pipe and has everything, without waiting for the thread that reads it in the meantime.
    """

    def __init__(self, output: IO[bytes], gone: Callable[[], bool], ended: Callable[[], None]) -> None:
        self._output, self._pipe, self._gone, self._ended = output, output.fileno(), gone, ended
        self._text, self._lock, self._open = bytearray(), threading.Lock(), True
        os.set_blocking(self._pipe, False)
        threading.Thread(target=self._follow, name="sandbox-log", daemon=True).start()

    def take(self) -> bytes:
        """All that was printed since the last call."""
        self._drain()
        with self._lock:
            text, self._text = bytes(self._text), bytearray()
        return text

    def _follow(self) -> None:
        watch = select.poll()
        watch.register(self._pipe, select.POLLIN)
        while self._open and not self._gone():
            # A child of the function may hold the pipe open when the function is gone: hence look once a second.
            if watch.poll(1000):
                self._drain()
        self._drain()
        with self._lock:
            self._open = False
            self._output.close()
        self._ended()

    def _drain(self) -> None:
        with self._lock, contextlib.suppress(BlockingIOError, OSError):
            while self._open:
                piece = os.read(self._pipe, 65536)
                self._open = bool(piece)
                self._text += piece
                del self._text[:-KEPT]
