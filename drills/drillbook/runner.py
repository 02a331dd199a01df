"""Runs a recovery plan and times it: check → act → verify, step by step or side by side.

A step that fails is a finding, not an error: it ends as failed, what depends on it is not run, and the rest goes on.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Protocol, TypeVar

from drillbook.clock import Clock
from drillbook.errors import DrillbookError, PermanentError, TemporaryError
from drillbook.events import EventKind, EventStream
from drillbook.plan_order import Order
from drillbook.recovery import Outcome, Plan, PlanResult, Step, StepResult
from drillbook.redaction import redact
from drillbook.units import duration_text
from drillbook.waiting import wait_for

T = TypeVar("T")

LEAST = 30.0
"""Seconds that a step is given at least, however fast AWS's durations go by."""
LIMIT = 2.0
"""A verification is given up at this multiple of the step's budget."""
_LONGEST_PAUSE = 30.0
_VERIFY_INTERVAL = 0.2
_GRACE = 10.0
"""Seconds that steps under way are given to end when the run is interrupted."""


class Memory(Protocol):
    """What outlives the process, so that a plan can be resumed. ``Journal.memory`` is one."""

    def was_done(self, plan: str, step: str) -> bool: ...

    def note(self, plan: str, result: StepResult) -> None: ...


class Amnesia:
    """The memory of a plan that is never resumed."""

    def was_done(self, plan: str, step: str) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def note(self, plan: str, result: StepResult) -> None: ...


def nobody_confirms(step: Step) -> bool:
    """The answer where no person is asked, as in CI. Raises PermanentError."""
    raise PermanentError(
        f"the manual step {step.name!r} needs a person to confirm it, and none is asked here",
        do="run the drill with --interactive at a terminal, or give the step a check that sees when it is done",
    )


def nobody_is_needed(step: Step) -> bool:  # noqa: ARG001 - as those that ask
    """The answer on an emulated or local target, where what people do in earnest is taken as done."""
    return True


@dataclass
class Runner:
    """Runs plans on one clock. ``confirm`` asks a person whether a manual step is done.

    Where AWS's durations are divided by ``speed``, steps are given up so much sooner: work is real, so after
    ``LEAST`` seconds at the earliest. Budgets stay what they are.
    """

    clock: Clock
    events: EventStream
    memory: Memory = field(default_factory=Amnesia)
    confirm: Callable[[Step], bool] = nobody_confirms
    speed: float = 1.0

    def run(self, plan: Plan) -> PlanResult:
        """Run each step once, after those it waits for; steps that are ready together run in parallel threads.

        Raises UsageError before anything runs if the plan's order makes no sense. An interrupt starts no further
        step, waits up to 10 s for those under way, and goes on to the caller.
        """
        order = Order(plan)
        return PlanResult(plan.name, _Execution(self, plan, order).results())

    def time(self, plan: Plan, step: Step) -> StepResult:
        """Run one step and say how it ended. Does not raise: a step's errors are its result."""
        started = self.clock.monotonic()
        self.events.emit(
            EventKind.STEP_STARTED,
            step.name,
            plan=plan.name,
            phase=str(step.phase),
            budget=step.budget,
            manual=step.manual,
        )
        attempt = _Attempt(self, plan, step, started)
        outcome, error = attempt.outcome()
        ended = self.clock.monotonic()
        result = StepResult(
            step.name,
            step.phase,
            outcome,
            started,
            ended,
            step.budget,
            attempts=attempt.acts,
            error=error,
            acknowledged=attempt.acknowledged,
        )
        self.memory.note(plan.name, result)
        self._tell_end(plan, result)
        return result

    def _tell_end(self, plan: Plan, result: StepResult) -> None:
        self.events.emit(
            EventKind.STEP_ENDED,
            result.step,
            plan=plan.name,
            phase=str(result.phase),
            seconds=result.seconds,
            budget=result.budget,
            outcome=str(result.outcome),
            attempts=result.attempts,
            error=result.error,
            acknowledged=result.acknowledged,
        )


class _Execution:
    """One run of one plan: starts what is ready, takes what has ended, until nothing moves."""

    def __init__(self, runner: Runner, plan: Plan, order: Order) -> None:
        self._runner, self._plan, self._order = runner, plan, order
        self._ended: SimpleQueue[StepResult | BaseException] = SimpleQueue()
        self._under_way: list[threading.Thread] = []
        self._results: dict[str, StepResult] = {}

    def results(self) -> tuple[StepResult, ...]:
        try:
            self._run_all()
        except BaseException:
            self._let_end()
            raise
        for step in self._order.never_started:
            self._results[step.name] = self._not_run(step)
        return tuple(self._results[step.name] for step in self._plan.steps)

    def _run_all(self) -> None:
        running = 0
        while True:
            ready = self._order.take_ready()
            if not ready and not running:
                return
            if len(ready) == 1 and not running:
                self._take(ready[0], self._runner.time(self._plan, ready[0]))
                continue
            for step in ready:
                self._start(step)
            running += len(ready) - 1
            self._take_next()

    def _start(self, step: Step) -> None:
        thread = threading.Thread(target=self._in_thread, args=(step,), name=f"step {step.name}", daemon=True)
        self._under_way.append(thread)
        thread.start()

    def _in_thread(self, step: Step) -> None:
        try:
            self._ended.put(self._runner.time(self._plan, step))
        except BaseException as error:  # noqa: BLE001 - it goes on to the thread that waits for this one
            self._ended.put(error)

    def _take_next(self) -> None:
        ended = self._ended.get()
        if isinstance(ended, BaseException):
            raise ended
        self._take(next(step for step in self._plan.steps if step.name == ended.step), ended)

    def _take(self, step: Step, result: StepResult) -> None:
        self._results[step.name] = result
        if result.outcome in (Outcome.DONE, Outcome.SKIPPED):
            self._order.succeeded(step)

    def _let_end(self) -> None:
        """Wait for the steps under way: what they still change must be in the journal before anything is healed."""
        deadline = self._runner.clock.monotonic() + _GRACE
        for thread in self._under_way:
            thread.join(max(0.0, deadline - self._runner.clock.monotonic()))
        if left := [thread.name for thread in self._under_way if thread.is_alive()]:
            self._runner.events.emit(EventKind.NOTE, f"still under way after the interrupt: {', '.join(left)}")

    def _not_run(self, step: Step) -> StepResult:
        now = self._runner.clock.monotonic()
        return StepResult(step.name, step.phase, Outcome.NOT_RUN, now, now, step.budget)


class _Attempt:
    """One step on its way through check, act and verify."""

    def __init__(self, runner: Runner, plan: Plan, step: Step, started: float) -> None:
        self._runner, self._plan, self._step, self._started = runner, plan, step, started
        self.acts = 0
        self.acknowledged = ""

    def outcome(self) -> tuple[Outcome, str]:
        try:
            if self._is_done_already():
                return Outcome.SKIPPED, ""
            self._act()
            self._verify()
        except DrillbookError as error:
            return Outcome.FAILED, redact(str(error))
        except Exception as error:  # noqa: BLE001 - recovery code is what the drill tests: its bugs are findings
            return Outcome.FAILED, redact(_told(error))
        return Outcome.DONE, ""

    def _is_done_already(self) -> bool:
        if self._step.check is None:
            return self._runner.memory.was_done(self._plan.name, self._step.name)
        return self._within_budget(self._step.check)

    def _act(self) -> None:
        if self._step.manual:
            self._ask()
        else:
            self._within_budget(self._call_act)

    def _call_act(self) -> object:
        self.acts += 1
        return self._step.act()

    def _ask(self) -> None:
        """Show the instruction (what ``act`` returns, else the step's name), and wait for the person's word."""
        instruction = self._within_budget(self._call_act)
        shown = instruction if isinstance(instruction, str) else self._step.name
        self._runner.events.emit(EventKind.NOTE, shown, plan=self._plan.name, step=self._step.name, manual=True)
        if not self._runner.confirm(self._step):
            raise PermanentError(f"the manual step {self._step.name!r} was not confirmed", do="do it, and run again")
        self.acknowledged = "automatically" if self._runner.confirm is nobody_is_needed else "by a person"

    def _verify(self) -> None:
        if self._step.verify is None:
            return
        wait_for(
            f"verifying the step {self._step.name!r}",
            self._step.verify,
            timeout=self._left(LIMIT),
            clock=self._runner.clock,
            interval=_VERIFY_INTERVAL,
            do=f"its budget is {duration_text(self._step.budget)}; on this target it was given "
            f"{duration_text(self._given(LIMIT))}",
        )

    def _within_budget(self, work: Callable[[], T]) -> T:
        """Do ``work``; while it fails temporarily, pause ever longer and do it again, as far as the budget reaches."""
        tries = 0
        while True:
            tries += 1
            try:
                return work()
            except TemporaryError as error:
                left = self._left(1.0)
                if left <= 0:
                    raise _given_up(error, tries, self._step) from error
                self._runner.clock.sleep(min(error.delay * 2 ** min(tries - 1, 10), _LONGEST_PAUSE, left))

    def _left(self, budgets: float) -> float:
        return max(0.0, self._started + self._given(budgets) - self._runner.clock.monotonic())

    def _given(self, budgets: float) -> float:
        whole = budgets * self._step.budget
        return min(whole, max(LEAST, whole / self._runner.speed))


def _given_up(error: TemporaryError, tries: int, step: Step) -> PermanentError:
    what = f"{error.what}; tried {tries} time(s) within the budget of {duration_text(step.budget)}"
    return PermanentError(what, code=error.code, do=error.do)


def _told(error: Exception) -> str:
    """An error that is not ours, in one line, with the place in the team's own code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    place = f" ({frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{place}".split())
