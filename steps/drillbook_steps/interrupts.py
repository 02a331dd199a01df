"""Signals during a drill: SIGTERM interrupts as Ctrl-C does, and neither interrupts the healing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_Handler = Callable[[int, FrameType | None], None]


@contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM raises KeyboardInterrupt: by default it would end the process and leave the fault."""
    with _handling({signal.SIGTERM: _interrupt}):
        yield


@contextmanager
def undisturbed(tell: Callable[[], None]) -> Iterator[list[int]]:
    """Hold off SIGINT and SIGTERM during the block; ``tell`` is called when one comes.

    Yields the list of those that came, for the caller to follow when it is done.
    """
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)
        with suppress(OSError):
            tell()

    with _handling({signal.SIGINT: note, signal.SIGTERM: note}):
        yield received


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handling(handlers: dict[signal.Signals, _Handler]) -> Iterator[None]:
    """Signals can only be handled in the main thread; elsewhere they are left as they are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
