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
    if isinstance(signal.getsignal(signal.SIGTERM), _Once):
        yield
        return
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


class _Once:
    """A signal handler: the first signal raises KeyboardInterrupt, and no later one does."""

    def __init__(self) -> None:
        self._received: list[int] = []

    def __call__(self, number: int, _: FrameType | None) -> None:
        self._received.append(number)
        if len(self._received) == 1:
            raise KeyboardInterrupt


def interrupted_once() -> None:
    """From now on the first SIGINT or SIGTERM interrupts, and no later one does: a worker may get one from the
    terminal, one from the process that runs it, and one from the connection between them."""
    if threading.current_thread() is threading.main_thread():
        handler = _Once()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)


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
