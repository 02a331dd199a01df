"""Time. Nobody else in drillbook calls ``time.*`` or ``datetime.now``.

Two clocks, never mixed: *monotonic* seconds for every duration and for the order of events, *aware UTC* for people
and for services that want a date. On Linux ``monotonic`` is CLOCK_MONOTONIC, which all processes of one machine
share, so that the canary's history and the drill's instants can be compared although two processes wrote them.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What drillbook needs of time."""

    def monotonic(self) -> float:
        """Seconds that never step; comparable only with other monotonic readings of this machine since boot."""

    def now(self) -> datetime:
        """The present as an aware UTC datetime."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))  # noqa: TID251 - the one place that sleeps


class VirtualClock:
    """A clock that moves only when somebody sleeps: tests and projections run hours in milliseconds."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start, self._elapsed, self._lock = start, 0.0, threading.Lock()

    def monotonic(self) -> float:
        return self._elapsed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._elapsed += max(0.0, seconds)


def utc_text(moment: datetime) -> str:
    """ISO 8601 with milliseconds and a Z, for reports and evidence."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_at(monotonic: float, clock: Clock) -> datetime:
    """The UTC moment of an earlier (or later) monotonic reading, by the clock's present offset."""
    return clock.now() + timedelta(seconds=monotonic - clock.monotonic())
