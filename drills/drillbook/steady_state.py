"""Steady state: every probe reads ok, and goes on doing so for the hold time."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from drillbook.clock import Clock
from drillbook.errors import UsageError
from drillbook.events import EventKind, EventStream
from drillbook.probe import Probe, Reading
from drillbook.waiting import wait_for


@dataclass(frozen=True)
class Held:
    """Steady from ``since``, when the first good look began, to ``until`` (monotonic seconds of the clock)."""

    since: float
    until: float
    readings: Mapping[str, Reading]


class SteadyState:
    """Probes by name, all read at once. Events tell the first reading of each and every change of it."""

    def __init__(self, probes: Mapping[str, Probe], events: EventStream) -> None:
        if not probes:
            raise UsageError("steady state has no probes", do="list some under steady_state in service.yaml")
        self._probes, self._events = dict(probes), events
        self._last: dict[str, Reading] = {}

    def read(self) -> dict[str, Reading]:
        """Look once through every probe. Raises ProbeError only if a probe is broken."""
        with ThreadPoolExecutor(max_workers=len(self._probes)) as pool:
            # Each thread gets a copy of our context, so that calls keep telling who is acting.
            looks = {
                name: pool.submit(contextvars.copy_context().run, probe.read) for name, probe in self._probes.items()
            }
            readings = {name: look.result() for name, look in looks.items()}
        self._tell(readings)
        return readings

    def holds(self) -> bool:
        """Is every probe ok right now? Unknown is not."""
        return all_ok(self.read())

    def wait(self, hold: float, *, timeout: float, clock: Clock, interval: float = 0.2) -> Held:
        """Wait until all probes have read ok at every look for ``hold`` seconds, and return since when.

        All in monotonic seconds. Raises WaitTimeout with what is not ok.
        """
        streak = _Streak(self, hold, clock)
        seen = wait_for(
            f"a steady state for {hold:g} s",
            streak.look,
            timeout=timeout,
            interval=interval,
            clock=clock,
            until=lambda seen: seen.held is not None,
            do="see the probes under steady_state in service.yaml",
        )
        assert seen.held is not None
        return seen.held

    def _tell(self, readings: Mapping[str, Reading]) -> None:
        for name, reading in readings.items():
            last = self._last.get(name)
            if last is None or (last.ok, last.value) != (reading.ok, reading.value):
                self._events.emit(EventKind.READING, name, ok=reading.ok, value=reading.value)
        self._last = dict(readings)


def all_ok(readings: Mapping[str, Reading]) -> bool:
    return all(reading.ok is True for reading in readings.values())


@dataclass(frozen=True)
class _Seen:
    held: Held | None
    readings: Mapping[str, Reading]

    def __str__(self) -> str:
        bad = [f"{name}: {reading.value}" for name, reading in self.readings.items() if reading.ok is not True]
        return "; ".join(bad) or "steady, but not for long enough"


class _Streak:
    """Since when every look was good."""

    def __init__(self, state: SteadyState, hold: float, clock: Clock) -> None:
        self._state, self._hold, self._clock = state, hold, clock
        self._since: float | None = None

    def look(self) -> _Seen:
        began = self._clock.monotonic()
        readings = self._state.read()
        if not all_ok(readings):
            self._since = None
            return _Seen(None, readings)
        if self._since is None:
            self._since = began
        held = Held(self._since, began, readings) if began - self._since >= self._hold else None
        return _Seen(held, readings)
