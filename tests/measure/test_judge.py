from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.errors import EvidenceError
from drillbook.measure.final import Final
from drillbook.measure.findings import alone
from drillbook.measure.history import CLOUD_FAULT, History, Kind, Op, Res
from drillbook.measure.judge import Judgement, judge
from drillbook.measure.rto import State
from drillbook.measure.run import Check, Run
from drillbook.objective import Basis, Interval, Objective, ObjectiveKind, Verdict

RTO, RPO = Objective(ObjectiveKind.RTO, 5.0, "feature:3"), Objective(ObjectiveKind.RPO, 60.0, "service.yaml")
RUN = Run(
    Interval(5.0, 5.0),
    end=11.9,
    hold=2.0,
    slow=0.5,
    rate=20.0,
    timeout=2.0,
    basis=Basis.EMULATED,
    objectives=(RTO, RPO),
)
Simulate = Callable[..., tuple[History, Final, Any]]


def test_a_recovered_service_passes(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    judged = judge(history, final, RUN)
    assert (judged.verdict, judged.causes) == (Verdict.PASS, ())
    assert [outcome.verdict for outcome in judged.outcomes] == [Verdict.PASS, Verdict.PASS]
    assert 3.0 in judged.rto.interval


def test_a_missed_rto_fails_and_says_by_how_much(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene())[:2], replace(RUN, objectives=(replace(RTO, limit=1.0),)))
    assert judged.verdict is Verdict.FAIL
    assert judged.causes[0].startswith("RTO of at most 1 s: service restored 3 s to 3.2 s after the fault")


def test_an_objective_inside_the_interval_is_inconclusive(simulate: Simulate, scene: Any) -> None:
    assert (
        judge(*simulate(scene())[:2], replace(RUN, objectives=(replace(RTO, limit=3.0),))).verdict
        is Verdict.INCONCLUSIVE
    )


def test_a_service_that_stays_down_fails_censored(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene(restored=99.0))[:2], RUN)
    assert judged.verdict is Verdict.FAIL
    assert judged.rto.state is State.NOT_RECOVERED
    assert "not recovered after 6.9 s: no operation has gone well since; the last bad operation was" in judged.causes[0]
    assert judged.as_json()["rto"]["hi"] is None


def test_data_lost_within_the_rpo_does_not_keep_the_service_down(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene(lag=2.0))[:2], RUN)
    assert judged.losses.lost
    assert judged.verdict is Verdict.PASS
    assert 3.0 in judged.rto.interval


def test_a_missed_rpo_names_the_oldest_loss(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene(lag=2.0))[:2], replace(RUN, objectives=(replace(RPO, limit=0.5),)))
    assert judged.verdict is Verdict.FAIL
    assert "acknowledged writes; the oldest was acknowledged 2 s before the fault" in judged.causes[0]


def test_losing_what_was_acknowledged_during_the_outage_fails_unless_declared(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene(mode="accept"))
    undeclared = judge(history, final, RUN)
    assert undeclared.verdict is Verdict.FAIL
    assert any(cause.startswith("loss during the outage of at most 0 ms: lost ") for cause in undeclared.causes)
    declared = judge(history, final, replace(RUN, objectives=(RPO, Objective(ObjectiveKind.LOSS_DURING, 10.0))))
    assert declared.verdict is Verdict.PASS


def test_for_a_write_acknowledged_while_the_fault_struck_the_rpo_answers(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene(lag=2.0))
    struck = replace(RUN, fault=Interval(4.5, 5.05))
    judged = judge(history, final, struck)
    assert judged.verdict is Verdict.PASS
    assert judged.as_json()["loss"]["lost_striking"] == judged.as_json()["loss"]["lost_during"] > 0
    missed = judge(history, final, replace(struck, objectives=(replace(RPO, limit=0.1),)))
    assert re.search(r"the oldest was acknowledged .* before the fault, and \d more as it struck", missed.causes[0])
    unanswered_for = judge(history, final, replace(struck, objectives=(RTO,)))
    assert unanswered_for.verdict is Verdict.INCONCLUSIVE
    assert "lost 1 write acknowledged as the fault struck; the latest" in unanswered_for.causes[0]
    assert judge(history, final, replace(struck, fault=Interval(4.0, 4.5))).verdict is Verdict.FAIL


def test_nothing_but_lost_records_shows_no_recovery(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene(mode="accept"))
    judged = judge(history, final, replace(RUN, objectives=(RTO,)))
    assert judged.rto.state is State.UNOBSERVED
    assert judged.outcomes[0].verdict is Verdict.INCONCLUSIVE


def test_a_restore_from_before_the_canary_leaves_the_rpo_open(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene(lag=99.0))[:2], replace(RUN, objectives=(RPO,)))
    assert math.isinf(judged.losses.rpo.hi)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "the recovery point may be older still" in judged.causes[0]


def test_unreadable_records_never_pass(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    judged = judge(history, Final({**final.keys, next(iter(final.keys)): None}), replace(RUN, objectives=(RPO,)))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "could not be read after recovery" in judged.causes[0]


def test_a_dead_canary_is_invalid_and_says_how_long_it_was_blind(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    alive = replace(history, ops=tuple(op for op in history.ops if op.sent < 6.0), ended=False)
    judged = judge(alive, final, RUN)
    assert judged.verdict is Verdict.INVALID
    assert "the canary stopped before the drill ended: its last operation left 5.9 s before the end" in judged.causes[0]
    assert {outcome.verdict for outcome in judged.outcomes} == {Verdict.INVALID}


def test_a_starved_canary_is_invalid_and_not_a_failure(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    late = tuple(replace(op, sent=op.sent + 0.7, done=op.done + 0.7) if op.i % 20 == 0 else op for op in history.ops)
    judged = judge(History(history.header, late), final, RUN)
    assert judged.verdict is Verdict.INVALID
    assert "the canary delayed 5.0% of its operations by more than 50 ms" in judged.causes[0]


def test_a_delay_of_a_hundredth_of_what_was_promised_is_tolerated(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    late = tuple(replace(op, sent=op.sent + 0.08, done=op.done + 0.08) if op.i % 20 == 0 else op for op in history.ops)
    promised = replace(RUN, objectives=(replace(RTO, limit=30.0),))
    assert judge(History(history.header, late), final, promised).verdict is Verdict.PASS
    stricter = replace(RUN, objectives=(replace(RTO, limit=30.0), replace(RPO, limit=7.0)))
    assert judge(History(history.header, late), final, stricter).verdict is Verdict.INVALID


def test_an_operation_that_only_its_delay_made_slow_is_the_canarys_fault(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    slow = tuple(
        replace(op, sent=op.sent + 0.25, done=op.sent + 0.6) if op.i % 5 == 0 and op.sent > 10.0 else op
        for op in history.ops
    )
    promised = replace(RUN, objectives=(replace(RTO, limit=30.0),))
    judged = judge(History(history.header, slow), final, promised)
    assert judged.verdict is Verdict.INVALID
    assert "or until they were slow" in judged.causes[0]


def test_a_silence_of_a_hundredth_of_what_was_promised_is_tolerated_and_no_longer_one(
    simulate: Simulate, scene: Any
) -> None:
    history, final, _ = simulate(scene())
    mute = replace(history, ops=tuple(op for op in history.ops if not 2.0 < op.sent < 2.3))
    promised = replace(RUN, objectives=(replace(RTO, limit=40.0),))
    assert judge(mute, final, promised).verdict is Verdict.PASS
    stricter = judge(mute, final, replace(RUN, objectives=(replace(RTO, limit=20.0),)))
    assert stricter.verdict is Verdict.INVALID
    assert "fell silent" in stricter.causes[0]


@pytest.mark.parametrize(("late", "busy"), [(1, False), (2, True)])
def test_one_late_operation_of_a_few_is_no_busy_machine(simulate: Simulate, scene: Any, late: int, busy: bool) -> None:
    history, final, _ = simulate(scene())
    few = [op for op in history.ops if op.sent > 10.0]
    few[:late] = [replace(op, sent=op.sent + 0.6, done=op.done + 0.6) for op in few[:late]]
    judged = judge(History(history.header, tuple(few)), final, replace(RUN, fault=None, objectives=()))
    assert any("too busy" in cause for cause in judged.causes) is busy


def test_a_canary_that_had_no_cpu_to_take_its_answers_is_invalid_too(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    slow = tuple(replace(op, done=op.done + 0.7, wait=0.7) if op.i % 20 == 0 else op for op in history.ops)
    judged = judge(History(history.header, slow), final, RUN)
    assert judged.verdict is Verdict.INVALID
    assert "the canary delayed 5.0% of its operations" in judged.causes[0]


def test_a_cloud_that_failed_by_itself_is_invalid_and_no_outage(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    ops = [replace(op, status=f"HTTP 500, {CLOUD_FAULT}") if op.i == 120 else op for op in history.ops]
    judged = judge(replace(history, ops=tuple(ops)), final, RUN)
    assert judged.verdict is Verdict.INVALID
    assert judged.causes[0].startswith("the embedded cloud failed in 1 of ")


def test_a_torn_history_is_invalid(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    assert judge(replace(history, torn=True), final, RUN).verdict is Verdict.INVALID


def test_without_a_baseline_there_is_no_verdict(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    late = tuple(op for op in history.ops if op.sent > 4.9)
    assert "there is no baseline" in judge(replace(history, ops=late), final, RUN).causes[0]


def test_a_service_that_was_ill_before_the_fault_gives_no_verdict(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    ill = tuple(
        replace(op, res=Res.INFO, status="HTTP 503") if op.i % 10 == 0 and op.sent < 5 else op for op in history.ops
    )
    judged = judge(replace(history, ops=ill), final, RUN)
    assert judged.verdict is Verdict.INVALID
    assert "was not well before the fault" in judged.causes[0]
    assert "HTTP 503" in judged.causes[0]


def test_an_empty_history_is_invalid() -> None:
    assert judge(History({}, ()), Final({}), RUN).verdict is Verdict.INVALID


def test_a_failed_plan_fails_whatever_was_measured(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene())[:2], replace(RUN, plan_failure="step “repoint” failed: timed out"))
    assert judged.verdict is Verdict.FAIL
    assert judged.causes == ("the recovery plan failed: step “repoint” failed: timed out",)


@pytest.mark.parametrize(("ok", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL), (None, Verdict.INCONCLUSIVE)])
def test_checks_are_part_of_the_verdict(simulate: Simulate, scene: Any, ok: bool | None, verdict: Verdict) -> None:
    assert judge(*simulate(scene())[:2], replace(RUN, checks=(Check("intact", ok, "3 of 9"),))).verdict is verdict


def test_strangers_and_duplicates_fail_the_integrity(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    judged = judge(history, replace(final, listed={"canary-t-999999": 2}), RUN)
    assert judged.causes == ("integrity: 1 records are duplicated", "integrity: 1 records are unexpected")
    assert judged.verdict is Verdict.FAIL


def test_the_phases_add_up(simulate: Simulate, scene: Any) -> None:
    told = replace(RUN, detect=5.5, declare=6.0, exec0=6.1, exec1=7.5)
    phases = judge(*simulate(scene())[:2], told).as_json()["phases"]
    assert {name: pytest.approx(phases[name]) for name in ("detect", "decide", "mobilise", "execute", "verify")} == {
        "detect": 0.5, "decide": 0.5, "mobilise": 0.1, "execute": 1.4, "verify": 2.0,
    }  # fmt: skip
    assert 0.5 < phases["propagate"] < 1.0
    assert judge(*simulate(scene())[:2], RUN).as_json()["phases"]["detect"] is None


def test_a_judgement_is_json_and_comes_out_the_same_from_the_evidence(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene(lag=1.0))
    first = judge(history, final, replace(RUN, checks=(Check("intact", True),), detect=6.0))

    def again(judged: Judgement) -> Judgement:
        run, state = json.loads(json.dumps([judged.run.as_json(), final.as_json()], allow_nan=False))
        return judge(history, Final.from_json(state), Run.from_json(run))

    text = json.dumps(first.as_json(), allow_nan=False)
    assert json.dumps(again(first).as_json(), allow_nan=False) == text
    told = json.loads(text)
    assert told["rto"].keys() >= {"lo", "hi", "state", "objective", "basis"}
    assert told["lost"] == sum(told["loss"]["counts"].values())
    assert len(told["loss"]["examples"]) <= 20
    assert sum(bucket["good"] + bucket["bad"] + bucket["mute"] for bucket in told["buckets"]) == len(history.ops)
    assert told["latency"]["before"]["p50"] < 0.1


def test_malformed_inputs_are_refused() -> None:
    for given_ in (
        {},
        {**RUN.as_json(), "basis": "guessed"},
        {**RUN.as_json(), "extra": 1},
        {**RUN.as_json(), "fault": {"lo": 2, "hi": 1}},
    ):
        with pytest.raises(EvidenceError, match="malformed"):
            Run.from_json(given_)
    with pytest.raises(EvidenceError, match="malformed"):
        Final.from_json({"keys": []})


@given(
    st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 2.0]), st.sampled_from(["reject", "corrupt"]),
    st.sampled_from([1.0, 2.5, 3.5, 10.0]), st.sampled_from([0.1, 1.0, 3.0, 60.0]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_a_pass_is_never_given_to_a_drill_that_missed(
    simulate: Simulate, scene: Any, seed: int, lag: float, mode: str, rto: float, rpo: float
) -> None:
    history, final, _ = simulate(scene(seed=seed, lag=lag, mode=mode))
    judged = judge(history, final, replace(RUN, objectives=(replace(RTO, limit=rto), replace(RPO, limit=rpo))))
    by_kind = {outcome.objective.kind: outcome.verdict for outcome in judged.outcomes}
    if by_kind[ObjectiveKind.RPO] is Verdict.PASS:
        assert lag <= rpo
    if by_kind[ObjectiveKind.RPO] is Verdict.FAIL:
        assert lag > rpo
    if judged.rto.state is State.RECOVERED:
        assert by_kind[ObjectiveKind.RTO] is not Verdict.PASS or rto >= 3.0
        assert by_kind[ObjectiveKind.RTO] is not Verdict.FAIL or rto < 3.0


def test_an_operation_of_a_kind_that_never_comes_back_keeps_the_service_down(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    broken = tuple(replace(op, res=Res.INFO) if op.f is Kind.DELETE and op.sent > 5 else op for op in history.ops)
    judged = judge(replace(history, ops=broken), final, RUN)
    assert judged.rto.state is State.NOT_RECOVERED
    assert isinstance(judged.rto.last_bad, Op)
    assert judged.rto.last_bad.f is Kind.DELETE


def test_a_late_answer_about_a_record_that_is_lost_for_good_does_not_keep_the_service_down() -> None:
    """The record will never be read well again; that it was answered late once is mended by the next answer in time."""

    def op(i: int, f: Kind, sent: float, took: float = 0.01, **more: Any) -> Op:
        return Op(i, f, more.pop("key", ""), more.pop("ver", 0), sent, sent, sent + took, Res.OK, "HTTP 200", **more)

    before = [op(i, Kind.PROBE, 0.05 * i) for i in range(100)]
    lost = [op(100, Kind.INSERT, 5.1, key="k", ver=1), op(101, Kind.READ, 6.0, 1.5, key="k", ver=1, seen=0)]
    after = [op(102 + i, Kind.READ, 7.6 + 0.05 * i, key="k", ver=1, seen=0) for i in range(86)]
    probes = [op(300 + i, Kind.PROBE, 5.12 + 0.05 * i) for i in range(135)]
    history = History({}, (*before, *lost, *after, *probes))
    judged = judge(history, Final({"k": 0}), replace(RUN, fault=Interval(5.0, 5.05)))
    assert judged.rto.state is State.RECOVERED


def test_no_acknowledged_write_is_lost_is_told_of_writes_and_not_of_their_age(simulate: Simulate, scene: Any) -> None:
    none_lost = replace(RUN, objectives=(Objective(ObjectiveKind.LOST, 0),))
    assert judge(*simulate(scene())[:2], none_lost).verdict is Verdict.PASS
    judged = judge(*simulate(scene(lag=2.0))[:2], none_lost)
    assert judged.verdict is Verdict.FAIL
    assert judged.causes[0].startswith("lost writes of at most 0: lost ")


CALM = replace(RUN, fault=None, objectives=())


def test_without_a_fault_there_is_no_rto_and_a_lost_write_fails(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene(fault=90, restored=91))[:2], CALM)
    assert (judged.verdict, judged.rto) == (Verdict.PASS, None)
    told = judged.as_json()
    assert told["rto"] == {"state": "no-fault", "objective": None, "basis": "emulated"}
    assert told["rpo"] == told["loss_during"] == {"objective": None, "basis": "emulated"}
    assert (told["phases"], list(told["latency"])) == ({}, ["whole"])
    lost = judge(*simulate(scene(lag=2.0))[:2], CALM)
    assert lost.verdict is Verdict.FAIL
    assert lost.causes[0].startswith("lost writes of at most 0: lost ")


def test_an_rto_without_a_fault_fails(simulate: Simulate, scene: Any) -> None:
    judged = judge(*simulate(scene(fault=90, restored=91))[:2], replace(CALM, objectives=(RTO, RPO)))
    assert judged.verdict is Verdict.FAIL
    assert all("no fault struck" in cause for cause in judged.causes)


def test_a_handful_of_requests_is_too_little_to_judge_a_drill_without_a_fault(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene(fault=90, restored=91))
    few = replace(history, ops=history.ops[100:110])
    assert "the canary sent 10 operations, at least 20 are needed" in judge(few, final, CALM).causes


@pytest.mark.parametrize(("limit", "verdict"), [(0.1, Verdict.PASS), (0.001, Verdict.FAIL)])
def test_the_p95_latency_is_of_the_requests_after_the_recovery(
    simulate: Simulate, scene: Any, limit: float, verdict: Verdict
) -> None:
    run = replace(RUN, objectives=(Objective(ObjectiveKind.LATENCY, limit),))
    assert judge(*simulate(scene())[:2], run).verdict is verdict


def test_a_p95_of_few_requests_or_without_a_recovery_is_not_met(simulate: Simulate, scene: Any) -> None:
    run = replace(RUN, objectives=(Objective(ObjectiveKind.LATENCY, 1.0),))
    never = judge(*simulate(scene(restored=99.0))[:2], run)
    assert (never.verdict, "was not seen to recover" in never.causes[0]) == (Verdict.FAIL, True)
    history, final, _ = simulate(scene(end=10.4))
    assert judge(history, final, replace(run, end=10.3, rate=5.0, cut0=8.5)).outcomes[0].verdict is not Verdict.PASS


def test_requests_without_an_answer_count_as_endless(simulate: Simulate, scene: Any) -> None:
    history, final, _ = simulate(scene())
    failing = tuple(replace(op, res=Res.INFO) if op.sent > 9 and op.i % 10 == 0 else op for op in history.ops)
    run = replace(RUN, fault=None, objectives=(Objective(ObjectiveKind.LATENCY, 1.0),))
    judged = judge(replace(history, ops=failing), final, run)
    assert judged.outcomes[0].measured.censored


def test_without_a_canary_a_failed_plan_fails_and_nothing_shown_is_invalid() -> None:
    assert alone([], "step “compare” failed") is Verdict.FAIL
    assert alone([Check("intact", None)], "") is Verdict.INCONCLUSIVE
    assert alone([Check("intact", True)], "") is Verdict.PASS
    assert alone([], "") is Verdict.INVALID
