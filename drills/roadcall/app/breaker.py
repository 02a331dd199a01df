"""A circuit breaker: what has failed several times is left alone for a while, and the caller does without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

FAILURES = 3
REST = 10.0
"""Seconds without a try, after so many failures in a row."""


class Open(Exception):
    """The dependency failed, or is not asked at present."""


class Breaker:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._failures, self._rests_until = clock, 0, float("-inf")

    def call(self, dependency: Callable[[], Any], failing: type[Exception]) -> Any:
        """What ``dependency`` answers. Raises Open if it raises ``failing``, or is at rest."""
        if self._clock() < self._rests_until:
            raise Open("at rest")
        try:
            answer = dependency()
        except failing as error:
            self._failures += 1
            if self._failures >= FAILURES:
                self._rests_until = self._clock() + REST
            raise Open(str(error)) from error
        self._failures = 0
        return answer
