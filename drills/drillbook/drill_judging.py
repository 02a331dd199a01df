"""The measuring end of a drill: its canary, the final reading, and what the judge makes of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook import drill_record
from drillbook.drill_checks import Checks
from drillbook.drill_faults import Faults
from drillbook.drill_record import Log, NotMet
from drillbook.errors import UsageError
from drillbook.events import EventKind, EventStream, since_the_fault
from drillbook.objective import ObjectiveKind, Verdict
from drillbook.probe import Reading

if TYPE_CHECKING:
    from drillbook.instrument import Instrument
    from drillbook.measure.judge import Judgement


class Judging:
    """Asks the judge, as often as the drill wants to know. The first question ends the canary."""

    def __init__(self, log: Log, checks: Checks, faults: Faults, events: EventStream) -> None:
        self._log, self._checks, self._faults, self._events = log, checks, faults, events
        self.instrument: Instrument | None = None

    def meets(self, kind: ObjectiveKind) -> None:
        """Are the objectives of this kind met? Raises NotMet with the cause."""
        judgement = self.judgement()
        for outcome in judgement.outcomes:
            if outcome.objective.kind is kind and outcome.verdict is not Verdict.PASS:
                raise NotMet(f"{outcome.verdict}: {outcome.cause or '; '.join(judgement.causes)}")

    def availability(self, share: float) -> None:
        """Were at least ``share`` of all operations good since the service was first steady? Raises NotMet if not."""
        begun = self._instants().get("t_baseline", 0.0) - self.instrument.hold if self.instrument else 0.0
        seen = [each for each in self.judgement().seen if each.op.sent >= begun]
        good = sum(each.good for each in seen)
        told = f"{good} of {len(seen)} requests were answered well"
        self._checks.found(f"at least {share:.3%} of requests", Reading(bool(seen) and good >= share * len(seen), told))

    def judgement(self) -> Judgement:
        """Judge what is known by now. Raises UsageError without a canary, EvidenceError if its history is damaged."""
        if self.instrument is None:
            raise UsageError("nothing was measured", do="add 'Given the canary is running' to the scenario")
        first = not self.instrument.has_ended
        if first:
            self._events.emit(EventKind.STAGE, "judge")
            self.instrument.end()
        judgement = self.instrument.judge(
            self._faults.first,
            objectives=self._log.assignment.objectives,
            instants=self._instants(),
            checks=self._log.checks,
            failure=self._log.plan_failure,
        )
        if first:
            self._events.emit(EventKind.JUDGED, "measured", **drill_record.measured(judgement))
        return judgement

    @property
    def is_cut_short(self) -> bool:
        """Did the drill end before what it was about? Then what was measured tells nothing."""
        interrupted = isinstance(self._log.error, KeyboardInterrupt | SystemExit)
        return interrupted or (self._faults.first is None and bool(self._log.assignment.faults))

    def _instants(self) -> dict[str, float]:
        """Each instant by name: the first, where there are several.

        But recovery is done with the last plan that ended before it was verified; and the fault is over with the last
        that was lifted.
        """
        told = since_the_fault(
            (event.name, event.at) for event in self._events.events if event.kind is EventKind.INSTANT
        )
        first, last = dict(reversed(told)), dict(told)
        verified = first.get("t_verified")
        ended = [at for name, at in told if name == "t_exec1" and (verified is None or at <= verified)]
        over = {name: last[name] for name in ("t_lifted",) if name in last}
        return {**first, **over, **({"t_exec1": ended[-1]} if ended else {})}
