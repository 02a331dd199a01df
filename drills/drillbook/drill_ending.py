"""How a drill ends, however far it came: the last judgement, then healing, then the verdict and the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook import drill_record, targets
from drillbook.errors import DrillbookError
from drillbook.events import EventKind, EventStream
from drillbook.heal import HealResult, heal

if TYPE_CHECKING:
    from drillbook.drill_checks import Checks
    from drillbook.drill_judging import Judging
    from drillbook.drill_record import Log
    from drillbook.events import Json
    from drillbook.measure.judge import Judgement
    from drillbook.report.evidence import EvidenceWriter


class Ending:
    """Ends one drill."""

    def __init__(
        self, log: Log, events: EventStream, evidence: EvidenceWriter, judging: Judging, checks: Checks
    ) -> None:
        self._log, self._events, self._evidence = log, events, evidence
        self._judging, self._checks = judging, checks

    def failed(self, error: BaseException, sentence: str = "") -> None:
        """The scenario ended early, at ``sentence``. The first error is the one that counts."""
        if self._log.error is not None:
            return
        self._log.error = error
        if not isinstance(error, AssertionError):
            self._log.causes.append(_told(error))
        elif not isinstance(error, drill_record.NotMet):
            self._checks.unmet(sentence, _told(error))
        self._events.emit(EventKind.NOTE, f"ended early: {_told(error)}", sentence=sentence)

    def result(self) -> dict[str, Json]:
        """Judge, heal, and write the evidence. Returns the drill's entry of results.json."""
        judgement: Judgement | None = None
        try:
            judgement = self._last_judgement()
        finally:
            healed = self._heal()  # whatever becomes of the judging
        leftovers = self._leftovers()
        if self._log.world and self._log.crashed_before is not None:
            self._log.crashes = targets.crashes(self._log.world, self._log.crashed_before)
        root, result = self._record(judgement, leftovers)
        if healed.ok:
            self._let_go(leftovers)
        return {**result, "run_id": self._log.run_id, "root": root}

    def _last_judgement(self) -> Judgement | None:
        instrument = self._judging.instrument
        if instrument is None:
            return None
        if self._judging.is_cut_short:
            instrument.kill()
            return None
        if isinstance(self._log.error, AssertionError) and self._log.plans and not self._log.plan_failure:
            assert self._log.world
            self._checks.complete(self._log.world)
        try:
            return self._judging.judgement()
        except DrillbookError as error:
            self.failed(error)
            return None

    def _heal(self) -> HealResult:
        world, told = self._log.world, self._log.conditions
        if world is None:
            return HealResult()
        self._events.emit(EventKind.STAGE, "heal")
        try:
            result = heal(told.journal, lambda _: world, told.clock, self._events, run_id=self._log.run_id)
        finally:
            told.journal.end(self._log.run_id, told.clock)
        self._log.causes += [f"not healed: {told}" for told in result.errors]
        return result

    def _leftovers(self) -> list[str]:
        """What of this drill is still there: changes the journal could not undo, and resources with its tag."""
        open_changes = [entry.what for entry in self._log.conditions.journal.open_entries(self._log.run_id)]
        return open_changes + (targets.leftovers(self._log.world) if self._log.world else [])

    def _record(self, judgement: Judgement | None, leftovers: list[str]) -> tuple[str, dict[str, Json]]:
        """Write the evidence; its root hash, and the result."""
        result = drill_record.result(self._log, judgement, leftovers, evidence=self._evidence.directory.name)
        self._events.emit(EventKind.VERDICT, str(result["verdict"]), **result)
        self._events.emit(EventKind.ENDED, self._log.assignment.name)
        return self._evidence.finish(drill_record.findings(self._log, judgement, result)), result

    def _let_go(self, leftovers: list[str]) -> None:
        """Of a world in which nothing is left to be undone, or to be looked at."""
        world = self._log.world
        if world is None:
            return
        targets.remove_workdir(world.address)
        if not leftovers and not self._log.crashes:
            world.leave()


def _told(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
