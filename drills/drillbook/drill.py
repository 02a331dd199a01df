"""The life of one drill, told in the order it happens.

    prepare → start_canary → await_steady_state → strike → detect → recover → await_recovery → meets / check → close

A scenario's sentences call these from top to bottom; each emits what happens on one event stream. Nothing here knows
pytest, Gherkin or Allure. ``close`` always runs last: it takes the final reading, heals, judges and records, whatever
came before it and however it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from drillbook import canary_records, service_actions
from drillbook.drill_checks import Checks
from drillbook.drill_ending import Ending
from drillbook.drill_faults import Faults
from drillbook.drill_judging import Judging
from drillbook.drill_opening import Opening
from drillbook.drill_plans import Plans
from drillbook.drill_record import Assignment, Conditions, Log, NotMet, NotSimulated
from drillbook.errors import UsageError, WaitTimeout
from drillbook.events import EventKind, EventStream
from drillbook.instrument import Instrument
from drillbook.objective import Basis, ObjectiveKind
from drillbook.probe import Probe, Reading
from drillbook.report.evidence import EvidenceWriter, directory_name
from drillbook.service_yaml import nearest
from drillbook.steadiness import Steadiness
from drillbook.targets.stand_up import FACTORY as STAND_UP
from drillbook.units import duration_text
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.events import Json
    from drillbook.service import Service
    from drillbook.world import World

__all__ = ["Assignment", "Conditions", "Drill", "NotMet", "NotSimulated"]


class Drill:
    """One scenario, run once. Not for reuse; methods are called from one thread, in the order of the module's line."""

    def __init__(self, assignment: Assignment, conditions: Conditions, run_id: str) -> None:
        self.assignment, self.conditions, self.run_id = assignment, conditions, run_id
        self.clock = conditions.clock
        self.events = EventStream(self.clock)
        self.evidence = EvidenceWriter(
            conditions.reports / directory_name(assignment.service, assignment.name), self.events
        )
        self.log = Log(assignment, conditions, run_id)
        self._checks = Checks(self.log, self.events)
        self._faults = Faults(self.log, conditions, self.events)
        self._judging = Judging(self.log, self._checks, self._faults, self.events)
        self._plans = Plans(self.log, conditions, self.events)
        self._ending = Ending(self.log, self.events, self.evidence, self._judging, self._checks)

    # -- 1 and 2: preflight, stand up ---------------------------------------------------------------------------------

    def prepare(self, name: str, *, region: str = "") -> None:
        """Choose the target, ask the rails, make the service ready, and prove the target's capabilities.

        Raises Refused, TargetError, UsageError; NotSimulated if a truth probe finds a needed capability missing.
        """
        opening = Opening(self.log, self.conditions, self.events, self._stage)
        opening.make_ready(opening.world(name, region))

    # -- 3: baseline --------------------------------------------------------------------------------------------------

    def start_canary(self, rate: float = 0.0) -> None:
        """Start the open-loop client in a process of its own. ``rate`` is operations a second; 0: the service's."""
        self._stage("baseline")
        chosen = self.conditions.rate or rate
        self._judging.instrument = Instrument.start(self.world, self.evidence, rate=chosen)

    def await_steady_state(self) -> None:
        """The service is whole before we break it: its probes and what clients see are steady for the hold time.

        Raises DrillbookError if not: then the drill says nothing about recovery.
        """
        self._steadiness().before(self.instrument, self._patience())
        self._instant("t_baseline")

    # -- 4: inject ----------------------------------------------------------------------------------------------------

    def strike(self, name: str, settings: Mapping[str, str] | None = None) -> None:
        """Inject a fault: blast radius, journal, apply, observe. ``settings`` override those of the service file.

        Raises FaultError if it cannot be seen to be in effect.
        """
        self._named("faults", name)
        self._stage("inject")
        self._faults.strike(self.world, name, dict(settings or {}))
        if self.instrument and self.log.sabotage.kills_canary:
            self.instrument.kill()

    def lift(self, name: str) -> None:
        """The fault called ``name`` is over: undone from its journal entry and read back, while the drill goes on.

        Raises UsageError if it is not in place, FaultError if it cannot be undone now.
        """
        self._named("faults", name)
        self._stage("lift")
        self._faults.lift(self.world, name)

    # -- 5: detect, decide --------------------------------------------------------------------------------------------

    def detect(self, name: str, limit: float) -> None:
        """Wait until one of the service's own detections turns red, at most ``limit`` seconds after the fault."""
        self._named("probes", name)
        self._stage("detect")
        probe = self._probe(name)
        try:
            wait_for(
                f"the detection {name!r}",
                partial(self._read, name, probe.read),
                timeout=min(limit, self._patience()),
                until=lambda reading: reading.ok is False,
                clock=self.clock,
                interval=0.05,
            )
        except WaitTimeout as error:
            raise self._checks.unmet(f"detected by {name}", error.what) from None
        self._instant("t_detect")
        self._instant("t_declare")

    # -- 6: recover ---------------------------------------------------------------------------------------------------

    def recover(self, name: str) -> None:
        """Run a recovery plan. Raises NotMet, naming the step, if it fails."""
        self._named("plans", name)
        self._stage("recover")
        self._plans.run(self.world, name)

    def cut_over(self, name: str) -> None:
        """Run a plan as a planned disruption of its own, measured apart from the fault. Raises NotMet if it fails."""
        self._named("plans", name)
        self._stage("cut over")
        self._plans.run(self.world, name, began="t_cut0", ended="t_cut1")

    # -- 7: verify ----------------------------------------------------------------------------------------------------

    def await_recovery(self) -> None:
        """The steady state holds again, by the same rule, for the hold time. Raises NotMet with what does not."""
        self._stage("verify")
        try:
            self._steadiness().after(self.instrument, self._patience())
        except WaitTimeout as error:
            self._ask_time_box("verify")
            raise self._checks.unmet("the service is back in steady state", error.what) from None
        self._instant("t_verified")

    def check(self, name: str) -> None:
        """An integrity check of the service. Raises NotMet if it does not hold, or cannot tell."""
        self._checks.contents(self.world, name)

    def compare_configuration(self, name: str) -> None:
        """Compare a restored resource's configuration with its source's. Raises NotMet with each difference."""
        self._checks.configuration(self.world, name)

    def nobody_acted(self) -> None:
        """The service came back by itself: no plan was run, nothing else was changed. Raises NotMet with what was."""
        acts = [f"the recovery plan {ran.name!r} was run" for ran in self._plans.ran] + self._changes_of_the_recovery()
        told = "; ".join(dict.fromkeys(acts)) or "no plan was run, and nothing was changed but by the faults"
        self._checks.found("nobody had to act", Reading(not acts, told))

    def _changes_of_the_recovery(self) -> list[str]:
        """What stands in the journal beside the stand-up, the canary's records and the faults."""
        entries = self.conditions.journal.entries(self.run_id)
        own = {canary_records.FACTORY, STAND_UP}
        return [each.what for each in entries if each.factory not in own and each.id not in self._faults.entries]

    # -- 8: judge -----------------------------------------------------------------------------------------------------

    def meets(self, kind: ObjectiveKind) -> None:
        """Is the objective of this kind met? Takes the final reading when first asked. Raises NotMet with the cause."""
        self._judging.meets(kind)

    def plan_took(self, name: str, limit: float) -> None:
        """Did the plan called ``name`` take at most ``limit`` monotonic seconds? Raises NotMet if not."""
        self._named("plans", name)
        reading = self._plans.took(self.world, name, limit)
        self._checks.found(f"the recovery plan {name!r} took at most {duration_text(limit)}", reading)

    def availability(self, share: float) -> None:
        """Were at least ``share`` of all operations good since the service was first steady? Raises NotMet if not."""
        self._judging.availability(share)

    # -- 9 and 10: heal, record ---------------------------------------------------------------------------------------

    def failed(self, error: BaseException, sentence: str = "") -> None:
        """The scenario ended early, at ``sentence``. The first error is the one that counts."""
        self._ending.failed(error, sentence)

    def close(self) -> dict[str, Json]:
        """End the drill, however far it came: final reading, heal, verdict, evidence. Returns the drill's result."""
        try:
            return self._ending.result()
        finally:
            if self.log.world:
                self.log.world.close()

    # -- small things -------------------------------------------------------------------------------------------------

    @property
    def is_interrupted(self) -> bool:
        """By a signal, before its scenario had ended."""
        return isinstance(self.log.error, KeyboardInterrupt)

    @property
    def instrument(self) -> Instrument | None:
        """The drill's canary; None before it was started."""
        return self._judging.instrument

    @property
    def service(self) -> Service:
        return self.world.service

    @property
    def world(self) -> World:
        """The drill's world. Raises UsageError before ``prepare``."""
        if self.log.world is None:
            raise UsageError("the scenario names no service", do="begin it with 'Given the service \"…\"'")
        return self.log.world

    def wait(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self.clock.sleep(seconds)

    def _stage(self, name: str) -> None:
        self.events.emit(EventKind.STAGE, name)
        self._ask_time_box(name)

    def _ask_time_box(self, stage: str) -> None:
        """A fault may only be in place for so long; healing it is never too late."""
        if self._faults.time_box and stage not in ("judge", "heal"):
            self._faults.time_box.check()

    def _instant(self, name: str) -> float:
        return self.events.emit(EventKind.INSTANT, name).at

    def _named(self, kind: str, name: str) -> Any:
        """What the service file calls ``name``. Raises UsageError with the nearest name."""
        known = getattr(self.service, kind)
        if name not in known:
            raise UsageError(f"{self.service.name} has nothing called {name!r} under {kind}", do=nearest(name, known))
        return known[name]

    def _probe(self, name: str) -> Probe:
        return service_actions.build_probe(self.world, self.service.probes[name], name)

    def _read(self, name: str, look: Callable[[], Reading]) -> Reading:
        self._ask_time_box(name)
        reading = look()
        self.events.emit(EventKind.READING, name, ok=reading.ok, value=reading.value)
        return reading

    def _steadiness(self) -> Steadiness:
        return Steadiness(self.world, self._probe, self.log.steady)

    def _patience(self) -> float:
        """Seconds to wait for a steady state: on AWS until the objective is missed by half, elsewhere as agreed.

        No longer than a fault may be in place.
        """
        limits = [objective.limit for objective in self.assignment.objectives if objective.kind is ObjectiveKind.RTO]
        agreed = self.conditions.patience + self.service.canary.hold
        if self.world.basis is Basis.MEASURED_AWS:
            agreed = 1.5 * max(limits, default=3600.0)
        box = self._faults.time_box
        return min(agreed, max(0.0, box.left)) if box else agreed
