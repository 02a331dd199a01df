"""What a drill was asked, what it found, and how that is written down."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook import side_by_side
from drillbook.clock import Clock, SystemClock
from drillbook.events import Json
from drillbook.measure.findings import alone, found
from drillbook.measure.run import Check
from drillbook.objective import Objective, Verdict
from drillbook.proof.sabotage import Sabotage
from drillbook.report import results, strict_json
from drillbook.report.evidence import Findings

if TYPE_CHECKING:
    from drillbook.journal import Journal
    from drillbook.measure.judge import Judgement
    from drillbook.recovery import PlanResult, Step
    from drillbook.targets.clouds import Clouds
    from drillbook.world import World


class NotMet(AssertionError):
    """The service did not do what the scenario says. Not an error of the drill: its finding."""


class NotSimulated(Exception):
    """The target cannot truly do what the drill needs. Neither passed nor failed."""


@dataclass(frozen=True)
class Assignment:
    """What one drill is asked to do."""

    name: str
    """The scenario's name."""
    feature: str
    service: str = ""
    """The service that the scenario names; it has yet to be found."""
    objectives: tuple[Objective, ...] = ()
    faults: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    configurations: tuple[str, ...] = ()
    """Resources whose configuration is compared with their source's."""


@dataclass(frozen=True)
class Conditions:
    """Where and how the drills of one run take place."""

    root: Path
    reports: Path
    """This run's directory; each drill gets one below it."""
    journal: Journal
    target: str = ""
    sabotage: str = ""
    rate: float = 0.0
    programme: str = ""
    """The programme that the drill is run for."""
    go: bool = False
    """The caller has confirmed that something real may be broken."""
    patience: float = 30.0
    """Seconds to wait for a steady state before the outage is called censored, where durations are not AWS's own."""
    confirm: Callable[[Step], bool] | None = None
    """Asks a person whether a manual step of a plan is done. None: manual steps are acknowledged automatically, but on
    a real account they fail."""
    clock: Clock = field(default_factory=SystemClock)
    clouds: Clouds | None = None
    """Where drills of the embedded target get their clouds from; None: each starts its own."""

    @property
    def state(self) -> Path:
        return self.journal.path.parent

    def refuse_if_open(self, *, own_cloud: bool = False) -> None:
        """Raises Refused by the journal rail while a change is open here, or was left open elsewhere in the root.

        ``own_cloud``: the drill is to get a cloud of its own; what is open in others' own clouds is nothing to it.
        """
        self.journal.refuse_if_open(own_cloud=own_cloud)
        side_by_side.refuse_abandoned(self.root, self.journal.path, own_cloud=own_cloud)


@dataclass
class Log:
    """One drill's findings, filled in as it goes."""

    assignment: Assignment
    conditions: Conditions
    run_id: str
    world: World | None = None
    sabotage: Sabotage = field(default_factory=Sabotage)
    plans: list[PlanResult] = field(default_factory=list)
    checks: list[dict[str, Json]] = field(default_factory=list)
    configuration: list[dict[str, Json]] = field(default_factory=list)
    blast_radius: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    error: BaseException | None = None
    """What ended the scenario early."""
    steady: dict[str, Json] = field(default_factory=dict)
    """What the steady state promises, and what was seen of it before the fault and after recovery."""
    crashed_before: int | None = None
    """How often the emulator had failed when the service stood; None before that."""
    crashes: list[str] = field(default_factory=list)
    """What the emulator itself got wrong during the drill."""

    @property
    def plan_failure(self) -> str:
        """The first step that failed, and why; empty if none did."""
        failure = next((found for plan in self.plans if (found := plan.failure)), None)
        return f"{failure.step}: {failure.error}" if failure else ""

    def about(self) -> dict[str, Json]:
        """Which drill of what, where, and what its numbers are worth."""
        world = self.world
        return {
            "service": world.service.name if world else "",
            "drill": self.assignment.name,
            "feature": self.assignment.feature,
            "target": world.target if world else self.conditions.target,
            "basis": str(world.basis) if world else "",
            "programme": self.conditions.programme,
        }


def verdict(log: Log, judgement: Judgement | None, leftovers: list[str]) -> Verdict:
    """The drill's verdict. Only a drill that ran whole and was healed says anything about its service."""
    if isinstance(log.error, NotSimulated):
        return Verdict.NOT_SIMULATED
    broken = log.error is not None and not isinstance(log.error, AssertionError)
    if broken or leftovers or log.crashes:
        return Verdict.INVALID
    return judgement.verdict if judgement else _by_checks_alone(log)


def _by_checks_alone(log: Log) -> Verdict:
    """Without a canary nothing was measured: what objective there was is not known to be met."""
    if log.error is None and log.assignment.objectives:
        return Verdict.INVALID
    return alone(*_checked(log))


def _checked(log: Log) -> tuple[list[Check], str]:
    return [Check(**check) for check in log.checks], log.plan_failure


def measured(judgement: Judgement) -> dict[str, Json]:
    """What the judge has measured, for those who must know before the drill ends: all but the verdict on the whole."""
    left_out = ("verdict", "causes", "buckets", "health")
    told: dict[str, Json] = strict_json.finite(judgement.as_json())
    return {name: value for name, value in told.items() if name not in left_out}


def result(log: Log, judgement: Judgement | None, leftovers: list[str], *, evidence: str) -> dict[str, Json]:
    """The drill's entry of results.json; ``evidence`` is the directory relative to the run's."""
    judged = judgement.as_json() if judgement else {}
    crashed = [f"the {log.about()['target']} cloud itself failed: {what}" for what in log.crashes]
    judged_causes = judged["causes"] if judgement else [finding.cause for finding in found(*_checked(log))]
    causes = [*log.causes, *crashed, *judged_causes, *(f"left over: {what}" for what in leftovers)]
    told = {
        **judged,
        "verdict": str(verdict(log, judgement, leftovers)),
        "causes": list(dict.fromkeys(causes)),
        "sabotage": log.sabotage.name,
        "steady_state": log.steady,
        "plans": [{"plan": ran.plan, "seconds": ran.seconds} for ran in log.plans],
        "checks": {"made": len(log.checks), "held": sum(check["ok"] is True for check in log.checks)},
    }
    return results.entry(log.about(), told, left_over=leftovers, evidence=evidence)


def findings(log: Log, judgement: Judgement | None, told: dict[str, Json]) -> Findings:
    """All that the evidence directory keeps beside the history and the events."""
    world = log.world
    drill = {
        **log.about(),
        "title": world.service.title if world else "",
        "run_id": log.run_id,
        "speed": world.speed if world else 1.0,
        "sabotage": log.sabotage.name,
        "blast_radius": log.blast_radius,
        "versions": dict(_versions()),
        "run": judgement.run.as_json() if judgement else None,
        "plan_failure": log.plan_failure,
    }
    return Findings(drill, told, log.checks, log.configuration, log.conditions.journal.export(log.run_id))


def _versions() -> Iterator[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version  # 20 ms that only a finished drill needs

    yield "python", platform.python_version()
    for package in ("drillbook", "boto3", "moto", "pytest", "pytest-bdd"):
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue
