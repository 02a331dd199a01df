from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from drillbook.clock import SystemClock, VirtualClock
from drillbook.errors import PermanentError, TemporaryError, UsageError
from drillbook.events import EventKind, EventStream
from drillbook.journal import Journal
from drillbook.recovery import Outcome, Phase, Plan, PlanResult, Step, StepResult
from drillbook.runner import Runner, nobody_is_needed


class Table:
    """What the steps under test work on."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def act(self, name: str) -> Callable[[], object]:
        return lambda: self.log.append(name)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def events(clock: VirtualClock) -> EventStream:
    return EventStream(clock)


@pytest.fixture
def runner(clock: VirtualClock, events: EventStream) -> Runner:
    return Runner(clock, events)


@pytest.fixture
def table() -> Table:
    return Table()


def outcomes(result: PlanResult) -> dict[str, str]:
    return {step.step: str(step.outcome) for step in result.steps}


def raising(*errors: BaseException | None) -> Callable[[], object]:
    """An act that raises each of ``errors`` in turn and then works; None works at once."""
    left = list(errors)

    def act() -> object:
        error = left.pop(0) if left else None
        if error:
            raise error
        return None

    return act


def test_steps_run_in_the_order_of_the_plan(runner: Runner, table: Table) -> None:
    plan = Plan("plan", tuple(Step(name, table.act(name)) for name in "cab"))
    result = runner.run(plan)
    assert table.log == ["c", "a", "b"]
    assert result.ok
    assert [step.step for step in result.steps] == ["c", "a", "b"]


def test_a_step_is_checked_then_done_then_verified(runner: Runner, table: Table) -> None:
    step = Step(
        "restore",
        table.act("act"),
        check=lambda: table.log.append("check") is not None,
        verify=lambda: table.log.append("verify") is None,
    )
    assert outcomes(runner.run(Plan("plan", (step,)))) == {"restore": "done"}
    assert table.log == ["check", "act", "verify"]


def test_a_step_whose_work_is_done_already_is_skipped(runner: Runner, table: Table) -> None:
    steps = (Step("one", table.act("one"), check=lambda: True), Step("two", table.act("two")))
    result = runner.run(Plan("plan", steps))
    assert outcomes(result) == {"one": "skipped", "two": "done"}
    assert table.log == ["two"]
    assert result.steps[0].attempts == 0


def test_a_failed_step_stops_what_depends_on_it_and_nothing_else(runner: Runner, table: Table) -> None:
    steps = (
        Step("fails", raising(PermanentError("the table is not there", code="ResourceNotFoundException"))),
        Step("after it", table.act("after it")),
        Step("beside it", table.act("beside it"), after=()),
        Step("after both", table.act("after both"), after=("beside it", "after it")),
    )
    result = runner.run(Plan("plan", steps))
    assert outcomes(result) == {
        "fails": "failed",
        "after it": "not run",
        "beside it": "done",
        "after both": "not run",
    }
    assert table.log == ["beside it"]
    assert not result.ok
    assert result.failure is not None
    assert result.failure.error == "the table is not there"


def test_a_bug_in_recovery_code_is_a_finding_that_names_its_place(runner: Runner) -> None:
    def act() -> object:
        return {}["Items"]

    (step,) = runner.run(Plan("plan", (Step("restore", act),))).steps
    assert step.outcome is Outcome.FAILED
    assert step.error.startswith("KeyError: 'Items' (test_runner.py:")


def test_a_secret_in_an_error_is_not_told(runner: Runner, events: EventStream) -> None:
    plan = Plan("plan", (Step("restore", raising(ValueError("no entry with password=hunter2-example"))),))
    (step,) = runner.run(plan).steps
    assert "hunter2" not in step.error
    assert "hunter2" not in str(events.events)


def test_a_temporary_failure_is_tried_again_ever_later(runner: Runner, clock: VirtualClock) -> None:
    act = raising(TemporaryError("throttled"), TemporaryError("throttled"), TemporaryError("throttled"))
    (step,) = runner.run(Plan("plan", (Step("restore", act, budget=60),))).steps
    assert (step.outcome, step.attempts) == (Outcome.DONE, 4)
    assert step.seconds == pytest.approx(1 + 2 + 4)


def test_temporary_failures_end_with_the_budget(runner: Runner) -> None:
    def act() -> object:
        raise TemporaryError("throttled", code="ThrottlingException", do="ask for a higher limit")

    (step,) = runner.run(Plan("plan", (Step("restore", act, budget=10),))).steps
    assert (step.outcome, step.attempts) == (Outcome.FAILED, 5)
    assert step.seconds == pytest.approx(10)
    assert step.error == "throttled; tried 5 time(s) within the budget of 10 s — ask for a higher limit"


def test_a_verification_is_polled_past_the_budget_and_the_overrun_can_be_seen(
    runner: Runner, clock: VirtualClock
) -> None:
    step = Step("restore", lambda: None, budget=10, verify=lambda: clock.monotonic() >= 15)
    (result,) = runner.run(Plan("plan", (step,))).steps
    assert result.outcome is Outcome.DONE
    assert result.seconds == pytest.approx(15, abs=0.3)
    assert result.seconds > result.budget


@pytest.mark.parametrize(("budget", "given"), [(10, 20), (600, 30), (6000, 120)])
def test_where_durations_are_divided_a_step_is_given_up_sooner_but_not_at_once(
    clock: VirtualClock, events: EventStream, budget: float, given: float
) -> None:
    step = Step("restore", lambda: None, budget=budget, verify=lambda: False)
    (result,) = Runner(clock, events, speed=100).run(Plan("plan", (step,))).steps
    assert result.seconds == pytest.approx(given, abs=1)
    assert result.budget == budget


def test_a_verification_is_given_up_at_twice_the_budget(runner: Runner) -> None:
    (result,) = runner.run(Plan("plan", (Step("restore", lambda: None, budget=10, verify=lambda: False),))).steps
    assert result.outcome is Outcome.FAILED
    assert result.seconds == pytest.approx(20)
    assert "verifying the step 'restore' did not happen within 20 s" in result.error


def test_a_late_but_good_verification_still_counts(runner: Runner, clock: VirtualClock) -> None:
    step = Step("restore", lambda: clock.sleep(50), budget=10, verify=lambda: True)
    (result,) = runner.run(Plan("plan", (step,))).steps
    assert result.outcome is Outcome.DONE


def test_steps_that_wait_for_the_same_run_side_by_side(events: EventStream) -> None:
    meeting = threading.Barrier(3, timeout=10)
    side = tuple(Step(name, meeting.wait, after=("start",)) for name in "abc")
    plan = Plan("plan", (Step("start", lambda: None), *side, Step("end", lambda: None, after=("a", "b", "c"))))
    result = Runner(SystemClock(), events).run(plan)
    assert result.ok, result
    by_name = {step.step: step for step in result.steps}
    assert by_name["end"].started >= max(by_name[name].ended for name in "abc")


def test_a_failure_in_a_thread_is_a_result_like_any_other(events: EventStream) -> None:
    steps = tuple(Step(name, raising(ValueError("no")), after=()) for name in "ab")
    result = Runner(SystemClock(), events).run(Plan("plan", steps))
    assert outcomes(result) == {"a": "failed", "b": "failed"}


def test_an_interrupt_starts_nothing_more_and_waits_for_what_is_under_way(events: EventStream) -> None:
    ended: list[str] = []
    started = threading.Event()

    def slow() -> None:
        started.set()
        SystemClock().sleep(0.2)
        ended.append("slow")

    def interrupted() -> None:
        started.wait(5)
        raise KeyboardInterrupt

    steps = (
        Step("slow", slow, after=()),
        Step("interrupted", interrupted, after=()),
        Step("later", lambda: ended.append("later"), after=("slow",)),
    )
    with pytest.raises(KeyboardInterrupt):
        Runner(SystemClock(), events).run(Plan("plan", steps))
    assert ended == ["slow"]


def test_every_step_is_told_when_it_starts_and_how_it_ended(runner: Runner, events: EventStream) -> None:
    step = Step("restore", raising(PermanentError("no")), phase=Phase.RECOVER, budget=5)
    runner.run(Plan("restore table", (step,)))
    started, ended = events.events
    assert (started.kind, started.name) == (EventKind.STEP_STARTED, "restore")
    assert started.data == {"plan": "restore table", "phase": "recover", "budget": 5, "manual": False}
    assert (ended.kind, ended.name) == (EventKind.STEP_ENDED, "restore")
    assert ended.data == {
        "plan": "restore table", "phase": "recover", "seconds": 0.0, "budget": 5,
        "outcome": "failed", "attempts": 1, "error": "no", "acknowledged": "",
    }  # fmt: skip


def test_a_manual_step_shows_its_instruction_and_waits_for_a_person(clock: VirtualClock, events: EventStream) -> None:
    asked: list[str] = []
    runner = Runner(clock, events, confirm=lambda step: asked.append(step.name) is None)
    step = Step("call the owner", lambda: "Call the owner of the table.", manual=True)
    assert runner.run(Plan("plan", (step,))).ok
    assert asked == ["call the owner"]
    assert "Call the owner of the table." in [event.name for event in events.events if event.kind is EventKind.NOTE]


@pytest.mark.parametrize(("confirm", "told"), [(nobody_is_needed, "automatically"), (lambda _: True, "by a person")])
def test_a_manual_step_tells_who_acknowledged_it(
    clock: VirtualClock, events: EventStream, confirm: Callable[[Step], bool], told: str
) -> None:
    plan = Plan("plan", (Step("call the owner", lambda: "Call.", manual=True), Step("restart", lambda: None)))
    by_hand, by_itself = Runner(clock, events, confirm=confirm).run(plan).steps
    assert (by_hand.acknowledged, by_itself.acknowledged) == (told, "")
    assert [event.data["acknowledged"] for event in events.events if event.kind is EventKind.STEP_ENDED] == [told, ""]


def test_a_manual_step_that_nobody_confirms_fails_and_says_so(runner: Runner, clock: VirtualClock) -> None:
    step = Step("call the owner", lambda: "Call the owner.", manual=True)
    (result,) = runner.run(Plan("plan", (step,))).steps
    assert result.outcome is Outcome.FAILED
    assert "the manual step 'call the owner' needs a person to confirm it" in result.error
    declined = Runner(clock, EventStream(clock), confirm=lambda _: False)
    (result,) = declined.run(Plan("plan", (step,))).steps
    assert "was not confirmed" in result.error


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((("a", None), ("a", None)), "two steps named 'a'"),
        ((("a", ()), ("b", ("aa",))), "comes after 'aa', which is no step of the plan — did you mean 'a'?"),
        ((("a", ("b",)), ("b", ("a",)), ("c", ())), "wait for each other: a → b → a"),
        ((("a", ("a",)),), "wait for each other: a → a"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_before_anything_runs(
    runner: Runner, table: Table, steps: tuple[Any, ...], told: str
) -> None:
    plan = Plan("plan", tuple(Step(name, table.act(name), after=after) for name, after in steps))
    with pytest.raises(UsageError) as caught:
        runner.run(plan)
    assert told in str(caught.value)
    assert table.log == []


def test_a_plan_without_steps_is_done(runner: Runner) -> None:
    assert runner.run(Plan("nothing", ())).steps == ()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def test_a_resumed_plan_skips_what_was_done_and_checks_again_what_can_be_checked(
    clock: VirtualClock, events: EventStream, table: Table, path: Path
) -> None:
    still_there = True
    broken: list[BaseException | None] = [PermanentError("no")]
    plan = Plan(
        "plan",
        (
            Step("unchecked", table.act("unchecked")),
            Step("checked", table.act("checked"), check=lambda: "checked" in table.log and still_there),
            Step("breaks", lambda: raising(broken[0])()),
            Step("last", table.act("last")),
        ),
    )
    with Journal(path) as journal:
        first = Runner(clock, events, journal.memory("run-1")).run(plan)
    assert outcomes(first) == {"unchecked": "done", "checked": "done", "breaks": "failed", "last": "not run"}
    broken[0], still_there = None, False
    with Journal(path) as journal:
        second = Runner(clock, events, journal.memory("run-1")).run(plan)
        fresh = Runner(clock, events, journal.memory("run-2")).run(plan)
    assert outcomes(second) == {"unchecked": "skipped", "checked": "done", "breaks": "done", "last": "done"}
    assert table.log == ["unchecked", "checked", "checked", "last", "unchecked", "checked", "last"]
    assert fresh.ok


def test_the_latest_outcome_of_a_step_is_the_one_remembered(path: Path) -> None:
    def result(outcome: Outcome) -> StepResult:
        return StepResult("a", Phase.RECOVER, outcome, 0, 1, 60)

    with Journal(path) as journal:
        memory = journal.memory("run-1")
        assert not memory.was_done("plan", "a")
        memory.note("plan", result(Outcome.DONE))
        assert memory.was_done("plan", "a")
        assert not memory.was_done("other plan", "a")
        assert not journal.memory("run-1", anew=True).was_done("plan", "a"), "a plan that is to be run once more"
        memory.note("plan", result(Outcome.FAILED))
        assert not memory.was_done("plan", "a")


def cost_of_a_step(run: Callable[[Plan], PlanResult]) -> float:
    plan = Plan("plan", tuple(Step(f"step {number}", lambda: None) for number in range(500)))
    best = float("inf")
    for _ in range(5):
        began = process_time()
        assert run(plan).ok
        best = min(best, (process_time() - began) / len(plan.steps))
    return best


def test_a_step_that_does_nothing_costs_a_tenth_of_a_millisecond_at_most() -> None:
    assert cost_of_a_step(lambda plan: Runner(SystemClock(), EventStream(SystemClock())).run(plan)) <= 0.0001


def test_remembering_a_step_costs_as_little(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        clock = SystemClock()
        numbers = iter(range(100))
        assert (
            cost_of_a_step(
                lambda plan: Runner(clock, EventStream(clock), journal.memory(f"run-{next(numbers)}")).run(plan)
            )
            <= 0.0003
        )
