"""The measuring side of a drill: the canary, what it saw, the final reading, and the judge's question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Self

from drillbook import canary_records, placeholders
from drillbook.measure import final as finals
from drillbook.measure import history as histories
from drillbook.measure.canary import Canary, LiveState
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.front_door import HttpFrontDoor
from drillbook.measure.traffic import Traffic, traffic
from drillbook.steady_traffic import unmet
from drillbook.units import duration_text
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.events import Json
    from drillbook.measure.judge import Judgement
    from drillbook.objective import Interval, Objective
    from drillbook.report.evidence import EvidenceWriter
    from drillbook.steady_promise import SteadyPromise
    from drillbook.world import World


class Instrument:
    """One drill's canary. ``start`` it, ``end`` it, then ask it to ``judge``."""

    def __init__(self, world: World, canary: Canary, evidence: EvidenceWriter) -> None:
        self._world, self._canary, self._evidence = world, canary, evidence
        self._settings = canary.settings
        self._end: float | None = None
        self._lock = threading.Lock()

    @classmethod
    def start(cls, world: World, evidence: EvidenceWriter, *, rate: float) -> Self:
        """Journal the records to come, then start the canary. Returns after its first operation."""
        told = world.service.canary
        settings = CanarySettings(run=world.run_id, rate=rate or told.rate, timeout=told.timeout)
        if world.journal is not None:
            records = {"history": canary_records.place_of(evidence.history, world.journal), "prefix": settings.prefix}
            change = canary_records.CanaryRecords(world, canary_records.CanaryRecords.Settings(**records))
            world.journal.carry_out(change, factory=canary_records.FACTORY, settings=records, world=world)
        canary = Canary.start(
            placeholders.front_door(world),
            settings,
            evidence.history,
            slow=told.slow,
            remember=200 + ceil((told.hold + told.timeout) * settings.rate),
            clock=world.clock,
        )
        return cls(world, canary, evidence)

    @property
    def state(self) -> LiveState | None:
        """What the canary sees now, for the live display."""
        return self._tail() if self._end is None else None

    @property
    def hold(self) -> float:
        """Seconds for which the service must have been steady before the baseline counts."""
        return self._world.service.canary.hold

    @property
    def has_ended(self) -> bool:
        return self._end is not None

    def kill(self) -> None:
        """End the canary as a crash would."""
        self._canary.kill()

    def await_baseline(self, promise: SteadyPromise, timeout: float) -> Traffic | None:
        """Wait until the hold time was as promised, and return what was seen. Raises WaitTimeout with what was not.

        ``timeout`` is in monotonic seconds. None if the canary is dead: the judge will say for how long it was blind.
        """
        return self._await("steady traffic", partial(self._steady, promise), timeout)

    def await_recovery(self, promise: SteadyPromise, timeout: float) -> Traffic | None:
        """As ``await_baseline``; and the service has answered well for so long that the judge can see the hold time.

        Every kind of operation that went badly must have gone well again, as the judge demands it. Missing records
        count only until the canary has come back to each: they may be lost for good, which is for the judge to weigh.
        """
        told, clock = self._world.service.canary, self._world.clock
        enough = told.hold + told.slow + 5 / self._settings.rate
        patience, begun = told.hold + max(3.0, 30 / self._settings.rate), clock.monotonic()

        def seen() -> Traffic | str:
            state = self._tail()
            given_up = clock.monotonic() >= max(begun, state.over) + patience
            if state.unproven:
                return f"no {min(state.unproven)} has gone well since {self._last_bad()}"
            if state.good_for >= enough and (given_up or not state.missing):
                return self._steady(promise, forgive_missing=True)
            return self._last_bad()

        return self._await(f"{told.hold:g} s of good requests", seen, timeout)

    def _await(self, what: str, seen: Callable[[], Traffic | str], timeout: float) -> Traffic | None:
        found = wait_for(
            what,
            lambda: seen() if self._canary.alive else None,
            until=lambda found: not isinstance(found, str),
            timeout=timeout,
            clock=self._world.clock,
            interval=0.05,
        )
        return found if isinstance(found, Traffic) else None

    def _steady(self, promise: SteadyPromise, *, forgive_missing: bool = False) -> Traffic | str:
        """The hold time until now, or what of it is not as promised; what is not known is not."""
        told = self._world.service.canary
        count = ceil(told.hold * self._settings.rate)
        seen = traffic(self._tail().recent, count, told.slow, forgive_missing=forgive_missing)
        if seen is None or not seen.requests:
            return "too few requests yet"
        silence = self._world.clock.monotonic() - seen.latest
        if silence > told.slow + 3 / self._settings.rate:
            return f"no answer for {duration_text(silence)}"
        return unmet(promise, seen) or seen

    def _tail(self) -> LiveState:
        with self._lock:  # the live display looks, too, from a thread of its own
            return self._canary.tail()

    def _last_bad(self) -> str:
        op = self._tail().last_bad
        return f"{op.f} answered {op.status}" if op else "too few requests yet"

    def end(self) -> None:
        """Stop the canary, let what is outstanding end, and read every record it ever tried to write."""
        self._end = self._world.clock.monotonic()
        self._canary.stop()
        history = histories.read(self._evidence.history, live=True)
        finals.read_final(front_door_of(self._world), history, self._world.clock).write(self._evidence.final)

    def judge(
        self,
        fault: Interval | None,
        *,
        objectives: Sequence[Objective],
        instants: Mapping[str, float],
        checks: Sequence[Mapping[str, Json]],
        failure: str,
    ) -> Judgement:
        """Ask the judge. ``instants`` are monotonic seconds by name; ``failure``: why the plan failed, or nothing.

        Raises EvidenceError if the history is damaged.
        """
        from drillbook.measure.judge import judge
        from drillbook.measure.run import Check, Run

        told = self._world.service.canary
        run = Run(
            fault=fault,
            end=self._end if self._end is not None else self._world.clock.monotonic(),
            hold=told.hold,
            slow=told.slow,
            rate=self._settings.rate,
            timeout=told.timeout,
            basis=self._world.basis,
            objectives=tuple(objectives),
            checks=tuple(Check(**check) for check in checks),
            detect=instants.get("t_detect"),
            declare=instants.get("t_declare"),
            exec0=instants.get("t_exec0"),
            exec1=instants.get("t_exec1"),
            lifted=instants.get("t_lifted"),
            cut0=instants.get("t_cut0"),
            cut1=instants.get("t_cut1"),
            plan_failure=failure,
        )
        history = histories.read(self._evidence.history, live=True)
        return judge(history, finals.Final.load(self._evidence.final), run)


def front_door_of(world: World) -> HttpFrontDoor:
    """The service's front door, for reading and removing the canary's records."""
    return HttpFrontDoor(placeholders.front_door(world), timeout=world.service.canary.timeout, clock=world.clock)
