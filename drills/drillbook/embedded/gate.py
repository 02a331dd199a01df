"""Holding requests back while the whole cloud is written down or put in place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from drillbook.clock import Clock
from drillbook.errors import TargetError


class Gate:
    """Every request passes; ``shut`` waits until none is under way and holds new ones until it is left.

    What a function asks while some request is under way is let in, too: that request may be the one which the function
    answers, and would never end.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._inside = 0
        self._shut = False
        self.passed = 0
        """How many requests there have been."""

    @contextmanager
    def request(self, *, of_function: bool = False) -> Iterator[None]:
        with self._changed:
            while self._shut and not (of_function and self._inside):
                self._changed.wait()
            self._inside += 1
            self.passed += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                if self._shut:
                    self._changed.notify_all()

    def wait(self) -> None:
        """Return when it is open. What is done then is no request."""
        with self._changed:
            while self._shut:
                self._changed.wait()

    @contextmanager
    def shut(self, patience: float) -> Iterator[None]:
        """Raises TargetError if requests are still under way after ``patience`` seconds (monotonic)."""
        deadline = self._clock.monotonic() + patience
        with self._changed:
            self._shut = True
            while self._inside and (left := deadline - self._clock.monotonic()) > 0:
                self._changed.wait(left)
            busy = self._inside
        try:
            if busy:
                raise TargetError(
                    f"{busy} requests are under way in the embedded cloud", do="try again when nobody is using it"
                )
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()
