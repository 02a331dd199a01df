"""Recovery plans: ordered, idempotent steps, each with a phase and a budget, and the runner that times them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    DETECT = "detect"
    DECIDE = "decide"
    RECOVER = "recover"
    VERIFY = "verify"
    COMMUNICATE = "communicate"


class Outcome(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"
    """``check`` found the step's work already done."""
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Step:
    """One step of a runbook.

    ``check`` says whether the work is done already (then ``act`` is skipped: that is what makes a plan resumable);
    ``act`` does it and may be called again after a crash; ``verify`` reads back that it worked, and is polled until
    the step's budget is spent. Each may raise TemporaryError (tried again within the budget) or any other
    DrillbookError (the step fails).
    """

    name: str
    act: Callable[[], object]
    phase: Phase = Phase.RECOVER
    budget: float = 60.0
    """Seconds (monotonic) the runbook allows this step. Exceeding it is reported; twice it ends the step as failed."""
    check: Callable[[], bool] | None = None
    verify: Callable[[], bool] | None = None
    manual: bool = False
    """A person does this: the runner shows ``act``'s instruction and waits for confirmation."""
    after: Sequence[str] | None = None
    """Names of the steps this one waits for; None: the step before. Steps with the same ``after`` run in parallel."""


@dataclass(frozen=True)
class Plan:
    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class StepResult:
    """Times are monotonic seconds of the drill's clock."""

    step: str
    phase: Phase
    outcome: Outcome
    started: float
    ended: float
    budget: float
    attempts: int = 0
    error: str = ""
    acknowledged: str = ""
    """Of a manual step that is done: ``automatically`` or ``by a person``."""

    @property
    def seconds(self) -> float:
        return self.ended - self.started


@dataclass(frozen=True)
class PlanResult:
    plan: str
    steps: tuple[StepResult, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        return all(step.outcome in (Outcome.DONE, Outcome.SKIPPED) for step in self.steps)

    @property
    def seconds(self) -> float:
        """From the beginning of its first step to the end of its last."""
        ran = [step for step in self.steps if step.outcome is not Outcome.NOT_RUN]
        return max(step.ended for step in ran) - min(step.started for step in ran) if ran else 0.0

    @property
    def failure(self) -> StepResult | None:
        """The first step that failed, which is the cause a report names."""
        return next((step for step in self.steps if step.outcome is Outcome.FAILED), None)


PlanFactory = Callable[..., Plan]
"""``def restore_table(world: World) -> Plan`` in a service's recovery.py."""
Facts = Mapping[str, str]
