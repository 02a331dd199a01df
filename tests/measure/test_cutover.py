"""A planned cut-over against stores whose past is known: its interruption, its losses, and nothing of the fault's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.measure.final import Final
from drillbook.measure.history import WRITES, History, Kind, Op, Res
from drillbook.measure.judge import Judgement, judge
from drillbook.measure.rto import State
from drillbook.measure.run import Run
from drillbook.objective import Basis, Interval, Objective, ObjectiveKind, Verdict

Simulate = Callable[..., tuple[History, Final, Any]]

BEGAN, END = 12.0, 20.0
INTERRUPTION = Objective(ObjectiveKind.INTERRUPTION, 5.0)
NONE_LOST = Objective(ObjectiveKind.LOST_BETWEEN, 0)
RUN = Run(
    Interval(5.0, 5.0),
    end=END - 0.1,
    hold=2.0,
    slow=0.5,
    rate=20.0,
    timeout=2.0,
    basis=Basis.EMULATED,
    objectives=(Objective(ObjectiveKind.RTO, 5.0), INTERRUPTION, NONE_LOST),
    exec1=7.9,
    cut0=BEGAN,
    cut1=14.0,
)


def verdicts(judged: Judgement) -> dict[ObjectiveKind, Verdict]:
    return {each.objective.kind: each.verdict for each in judged.outcomes}


@pytest.fixture
def home(simulate: Simulate, scene: Any) -> Callable[..., Judgement]:
    """The judgement of a failover at 5 s, restored at 8 s, and a cut-over from 12 s until ``until``."""

    def judged(until: float = 14.0, run: Run = RUN, **more: Any) -> Judgement:
        return judge(*simulate(scene(end=END, cut_over=(BEGAN, until), **more))[:2], run)

    return judged


def test_the_interruption_by_the_cut_over_is_not_the_faults(home: Callable[..., Judgement]) -> None:
    judged = home()
    assert (judged.verdict, judged.causes) == (Verdict.PASS, ())
    assert judged.rto is not None
    assert judged.cut is not None
    assert 3.0 in judged.rto.interval
    assert 2.0 in judged.cut.interruption
    assert judged.cut.interruption.width < 0.5
    assert judged.cut.lost == Interval(0, 0)
    assert 8.0 <= judged.cut.since <= 8.5


def test_writes_left_behind_are_told_once(home: Callable[..., Judgement]) -> None:
    declared = home(left_behind=1.0)
    assert verdicts(declared)[ObjectiveKind.LOST_BETWEEN] is Verdict.FAIL
    assert ObjectiveKind.LOSS_DURING not in verdicts(declared)
    assert not declared.losses.lost_during
    undeclared = home(left_behind=1.0, run=replace(RUN, objectives=(INTERRUPTION,)))
    assert verdicts(undeclared)[ObjectiveKind.LOSS_DURING] is Verdict.FAIL
    assert len(undeclared.losses.lost_during) == declared.cut.lost.lo  # type: ignore[union-attr]


def test_so_many_may_be_lost_as_were_allowed(home: Callable[..., Judgement]) -> None:
    judged = home(left_behind=1.0, run=replace(RUN, objectives=(replace(NONE_LOST, limit=100),)))
    assert judged.verdict is Verdict.PASS
    assert judged.as_json()["cut_over"]["lost"]["objective"] == 100


def test_what_the_failover_lost_is_not_the_cut_overs(home: Callable[..., Judgement]) -> None:
    judged = home(lag=2.0)
    assert judged.losses.lost_before
    assert verdicts(judged)[ObjectiveKind.LOST_BETWEEN] is Verdict.PASS


def test_a_service_that_is_not_back_when_the_drill_ends_is_censored(home: Callable[..., Judgement]) -> None:
    judged = home(until=99.0)
    assert verdicts(judged)[ObjectiveKind.INTERRUPTION] is Verdict.FAIL
    assert any("the service was not back when the drill ended" in cause for cause in judged.causes)
    assert judged.as_json()["cut_over"]["interruption"]["hi"] is None


def test_a_drill_that_does_not_watch_the_cut_over_for_the_hold_time_shows_nothing(
    home: Callable[..., Judgement],
) -> None:
    judged = home(until=12.5, run=replace(RUN, cut1=18.5))
    assert verdicts(judged)[ObjectiveKind.INTERRUPTION] is Verdict.INCONCLUSIVE
    assert "the service was not watched for 2 s after the cut-over" in judged.causes[0]


def test_an_objective_of_a_cut_over_that_was_not_made_fails(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene(end=END))[:2], replace(RUN, cut0=None, cut1=None))
    assert judged.cut is None
    assert judged.as_json()["cut_over"] is None
    assert sum("the planned cut-over was not made" in cause for cause in judged.causes) == 2


def test_without_a_write_between_the_cut_overs_no_loss_is_shown_either_way(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene(end=END, cut_over=(BEGAN, 14.0)))
    idle = tuple(replace(op, f=Kind.PROBE) if op.f in WRITES and op.sent > 8.0 else op for op in history.ops)
    judged = judge(replace(history, ops=idle), final, RUN)
    assert verdicts(judged)[ObjectiveKind.LOST_BETWEEN] is Verdict.INCONCLUSIVE
    assert any("no write was acknowledged, so a loss could not be seen" in cause for cause in judged.causes)


def test_a_cut_over_without_a_fault_is_judged_alone(simulate: Simulate, scene: Any) -> None:
    calm = replace(RUN, fault=None, exec1=None, objectives=(INTERRUPTION, NONE_LOST))
    judged = judge(*simulate(scene(end=END, fault=90, restored=91, cut_over=(95.0, 96.0)))[:2], calm)
    assert (judged.verdict, judged.rto) == (Verdict.PASS, None)
    assert judged.cut is not None
    assert judged.cut.interruption.lo == 0 < judged.cut.interruption.hi < 0.3


def test_a_run_with_a_cut_over_survives_json() -> None:
    assert Run.from_json(json.loads(json.dumps(RUN.as_json()))) == RUN
    calm = replace(RUN, fault=None, lifted=9.0)
    assert Run.from_json(json.loads(json.dumps(calm.as_json()))) == calm


@given(
    st.integers(0, 10**6),
    st.sampled_from([0.05, 0.3, 1.0, 3.0]),
    st.sampled_from([0.0, 0.1, 1.0, 3.0]),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([5.0, 20.0]),
)
@settings(max_examples=100, deadline=None)
def test_the_numbers_contain_the_truth_of_a_known_cut_over(
    simulate: Simulate, scene: Any, seed: int, length: float, left_behind: float, lag: float, rate: float
) -> None:
    told = scene(seed=seed, rate=rate, lag=lag, end=END, cut_over=(BEGAN, BEGAN + length), left_behind=left_behind)
    history, final, store = simulate(told)
    on = replace(RUN, rate=rate, cut1=BEGAN + length)
    judged = judge(history, final, on)
    cut = judged.cut
    assert cut is not None
    assert judged.rto is not None
    assert judged.rto.state is State.RECOVERED
    assert 3.0 in judged.rto.interval, "the cut-over is none of the fault's outage"
    assert length in cut.interruption if cut.windows else length <= cut.interruption.hi
    gone = {(op.key, op.ver) for op in judged.losses.lost if op.done >= cut.since}
    assert gone <= {(key, abs(ver)) for key, ver in store.undone}, "nothing is called lost that is there"
    assert cut.lost == Interval(len(gone), len(gone))
    assert left_behind or not gone
    assert len(judged.losses.lost) == judged.losses.lost_before + len(judged.losses.lost_during) + len(gone)


# -- records that are away until the fault is over ---------------------------------------------------------------------

RATE = 20.0


def read(i: int, at: float, seen: int) -> Op:
    return Op(i, Kind.READ, "k", 1, at, at, at + 0.02, Res.OK, seen=seen)


def returning(shown_between: int) -> tuple[History, Final, Run]:
    """A region lost at 5 s, recovered elsewhere at 7 s, back at 12 s with the record that only it had."""
    written = Op(0, Kind.INSERT, "k", 1, 4.9, 4.9, 4.95, Res.OK)
    ops = [written]
    for i in range(1, int(16 * RATE)):
        at = i / RATE
        down = 5.0 <= at < 7.0
        if i % 4 == 0 and at > 5.0:
            seen = 1 if at >= 12.0 else shown_between
            ops.append(replace(read(i, at, seen), res=Res.INFO, seen=None) if down else read(i, at, seen))
        else:
            ops.append(Op(i, Kind.PROBE, "", 0, at, at, at + 0.02, Res.INFO if down else Res.OK))
    run = replace(RUN, end=15.9, exec1=7.0, lifted=12.0, cut0=None, cut1=None, objectives=RUN.objectives[:1])
    return History({}, tuple(ops)), Final({"k": 1}), run


def test_a_record_that_was_away_until_the_region_returned_does_not_keep_the_service_down() -> None:
    judged = judge(*returning(shown_between=0))
    assert judged.rto is not None
    assert judged.rto.state is State.RECOVERED
    assert 2.0 in judged.rto.interval
    assert judged.verdict is Verdict.PASS


def test_a_record_that_takes_a_while_to_come_back_is_away_until_then() -> None:
    history, final, run = returning(shown_between=0)
    later = tuple(replace(op, seen=0) if op.f is Kind.READ and 12.0 <= op.sent < 13.0 else op for op in history.ops)
    judged = judge(replace(history, ops=later), final, run)
    assert judged.rto is not None
    assert judged.rto.state is State.RECOVERED
    assert 2.0 in judged.rto.interval


def test_a_deletion_that_was_away_does_not_keep_the_service_down_either() -> None:
    history, _, run = returning(shown_between=0)
    there = Op(-1, Kind.INSERT, "k", 1, 4.0, 4.0, 4.05, Res.OK)
    deleted = [
        replace(op, f=Kind.DELETE, ver=2)
        if op.f is Kind.INSERT
        else replace(op, ver=0, seen=None if op.seen is None else 1 - op.seen)
        if op.f is Kind.READ
        else op
        for op in history.ops
    ]
    judged = judge(replace(history, ops=(there, *deleted)), Final({"k": 0}), run)
    assert judged.rto is not None
    assert judged.rto.state is State.RECOVERED
    assert 2.0 in judged.rto.interval


def test_without_a_recovery_the_end_of_the_fault_is_the_recovery() -> None:
    history, final, run = returning(shown_between=0)
    judged = judge(history, final, replace(run, exec1=None))
    assert judged.rto is not None
    assert math.isclose(judged.rto.interval.hi, 7.0, abs_tol=0.3)


def test_a_record_that_was_shown_in_between_was_not_away() -> None:
    history, final, run = returning(shown_between=0)
    flickering = tuple(replace(op, seen=1) if op.f is Kind.READ and 8.0 <= op.sent < 8.3 else op for op in history.ops)
    judged = judge(replace(history, ops=flickering), final, run)
    assert judged.rto is not None
    assert judged.rto.interval.hi > 6.5
