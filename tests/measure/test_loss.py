from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.measure.final import Final
from drillbook.measure.history import FOREIGN, Kind, Op, Res
from drillbook.measure.loss import Label, Losses, losses
from drillbook.objective import Interval

FAULT = Interval(10.0, 10.5)


def write(f: Kind, key: str, ver: int, at: float, res: Res = Res.OK) -> Op:
    return Op(int(at * 100), f, key, ver, at, at, at + 0.1, res)


def labels(found: Losses) -> set[tuple[Label, str, int]]:
    return {(finding.label, finding.key, finding.ver) for finding in found.findings}


def test_without_loss_the_rpo_is_bounded_by_the_last_witness() -> None:
    found = losses([write(Kind.INSERT, "a", 1, 9.0)], Final({"a": 1}), FAULT)
    assert not found.findings
    assert found.rpo == Interval(0.0, 1.5)
    assert found.during == Interval(0.0, 0.0)


def test_one_rule_gives_three_labels() -> None:
    ops = [
        write(Kind.INSERT, "lost", 1, 1.0),
        write(Kind.INSERT, "stale", 1, 1.0),
        write(Kind.UPDATE, "stale", 2, 2.0),
        write(Kind.INSERT, "back", 1, 1.0),
        write(Kind.DELETE, "back", 2, 3.0),
        write(Kind.INSERT, "gone", 1, 1.0),
        write(Kind.DELETE, "gone", 2, 3.0),
    ]
    found = losses(ops, Final({"lost": 0, "stale": 1, "back": 1, "gone": 0}), FAULT)
    assert labels(found) == {(Label.LOST, "lost", 1), (Label.STALE, "stale", 2), (Label.RESURRECTED, "back", 2)}
    assert found.holes == 0


def test_the_oldest_loss_counts_however_much_younger_data_survived() -> None:
    ops = [write(Kind.INSERT, f"k{n}", 1, float(n)) for n in range(10)]
    found = losses(ops, Final({f"k{n}": 0 if n == 3 else 1 for n in range(10)}), FAULT)
    assert (round(found.rpo.lo, 6), found.rpo.hi) == (6.9, 8.5)
    assert found.holes == 6


def test_unknown_and_refused_writes_are_never_lost() -> None:
    ops = [
        write(Kind.INSERT, "maybe", 1, 1.0, Res.INFO),
        write(Kind.INSERT, "took", 1, 1.0, Res.INFO),
        write(Kind.INSERT, "no", 1, 1.0, Res.FAIL),
        write(Kind.INSERT, "ghost", 1, 1.0, Res.FAIL),
    ]
    found = losses(ops, Final({"maybe": 0, "took": 1, "no": 0, "ghost": 1}), FAULT)
    assert labels(found) == {(Label.RECOVERED, "took", 1), (Label.PHANTOM, "ghost", 1)}
    assert not found.lost


def test_a_foreign_value_means_that_everything_acknowledged_before_is_lost() -> None:
    ops = [write(Kind.INSERT, "a", 1, 1.0), write(Kind.UPDATE, "a", 2, 2.0)]
    for shown in (FOREIGN, 7):
        found = losses(ops, Final({"a": shown}), FAULT)
        assert labels(found) == {(Label.UNEXPECTED, "a", shown), (Label.STALE, "a", 1), (Label.STALE, "a", 2)}


def test_losses_during_the_outage_are_counted_apart_and_do_not_age_the_recovery_point() -> None:
    ops = [write(Kind.INSERT, "before", 1, 9.0), write(Kind.INSERT, "during", 1, 12.0)]
    found = losses(ops, Final({"before": 1, "during": 0}), FAULT)
    assert [op.key for op in found.lost_during] == ["during"]
    assert found.rpo == Interval(0.0, 1.5)
    assert (round(found.during.lo, 6), round(found.during.hi, 6)) == (1.6, 2.1)


def test_a_write_after_the_fault_may_have_painted_over_a_loss() -> None:
    ops = [
        write(Kind.INSERT, "old", 1, 5.0),
        write(Kind.INSERT, "painted", 1, 8.0),
        write(Kind.INSERT, "late", 1, 9.0),
        write(Kind.UPDATE, "painted", 2, 20.0),
    ]
    found = losses(ops, Final({"old": 1, "painted": 2, "late": 1}), FAULT)
    assert found.masked == 1
    assert found.rpo == Interval(0.0, 5.5)


def test_an_absent_key_is_no_witness() -> None:
    ops = [write(Kind.INSERT, "a", 1, 8.0), write(Kind.DELETE, "a", 2, 9.0)]
    assert losses(ops, Final({"a": 0}), FAULT).rpo == Interval(0.0, math.inf)


def test_an_unreadable_key_leaves_its_effects_open() -> None:
    ops = [write(Kind.INSERT, "a", 1, 5.0), write(Kind.INSERT, "b", 1, 8.0)]
    found = losses(ops, Final({"a": 1, "b": None}), FAULT)
    assert found.unreadable == 1
    assert found.counts[Label.UNREADABLE] == 1
    assert found.rpo == Interval(0.0, 5.5)
    assert losses(ops, Final({"a": 1}), FAULT).unreadable == 1, "a key that was not read at all"


def test_the_list_shows_duplicates_and_strangers() -> None:
    found = losses([write(Kind.INSERT, "a", 1, 5.0)], Final({"a": 1}, listed={"a": 2, "x": 1}), FAULT)
    assert labels(found) == {(Label.DUPLICATED, "a", 0), (Label.UNEXPECTED, "x", 0)}


@st.composite
def sequential_histories(draw: st.DrawFn) -> tuple[list[Op], dict[str, int | None], Interval]:
    """Per key one operation after the other, none after an unknown one; and any final state at all."""
    ops: list[Op] = []
    for k in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, 20)) / 4
        for ver in range(1, draw(st.integers(1, 4)) + 1):
            res = draw(st.sampled_from([Res.OK, Res.OK, Res.OK, Res.FAIL, Res.INFO]))
            f = Kind.INSERT if ver == 1 else draw(st.sampled_from([Kind.UPDATE, Kind.DELETE]))
            took = draw(st.integers(1, 4)) / 4
            ops.append(Op(len(ops), f, f"k{k}", ver, at, at, at + took, res))
            at += took + draw(st.integers(0, 8)) / 4
            if res is Res.INFO:
                break
    keys = {op.key: max(other.ver for other in ops if other.key == op.key) for op in ops}
    final = {
        key: draw(st.sampled_from([0, *range(1, top + 1), top, top, top + 5, None, FOREIGN]))
        for key, top in keys.items()
    }
    lo = draw(st.integers(0, 40)) / 4
    return ops, final, Interval(lo, lo + draw(st.sampled_from([0.0, 0.25, 1.0])))


def brute_force(ops: list[Op], final: dict[str, int | None], fault: Interval) -> dict[str, Any]:
    """The definitions once more, spelled out effect by effect."""
    lost, maybe, witnesses = [], [], []
    for op in (op for op in ops if op.res is Res.OK):
        same = [other for other in ops if other.key == op.key]
        shown = final[op.key]
        later_delete = any(o.f is Kind.DELETE and o.res is not Res.FAIL and o.ver >= op.ver for o in same)
        real = shown in {o.ver for o in same if o.f is not Kind.DELETE}
        if shown is None:
            maybe.append(op)
            continue
        if not (later_delete if shown == 0 else real and shown >= op.ver):
            lost.append(op)
            continue
        tops = [o.ver for o in same if o.f is Kind.DELETE and o.res is not Res.FAIL] if shown == 0 else [shown]
        painted = [o for o in same if op.ver < o.ver <= max(tops) and o.done > fault.lo]
        if op.done < fault.hi and painted:
            maybe.append(op)
        elif shown:
            witnesses.append(op)
    before = [op.done for op in lost + maybe if op.done < fault.hi]
    usable = [op.sent for op in witnesses if op.done <= min(before, default=math.inf) and op.done < fault.hi]
    return {
        "lost": {(op.key, op.ver) for op in lost},
        "during": {(op.key, op.ver) for op in lost if op.done >= fault.lo},
        "rpo_lo": max([fault.lo - op.done for op in lost if op.done < fault.hi] + [0.0]),
        "rpo_hi": fault.hi - max(usable, default=-math.inf),
    }


@given(sequential_histories())
@settings(max_examples=200, deadline=None)
def test_losses_agree_with_the_definitions_spelled_out(
    given_: tuple[list[Op], dict[str, int | None], Interval],
) -> None:
    ops, final, fault = given_
    found, expected = losses(ops, Final(final), fault), brute_force(ops, final, fault)
    assert {(op.key, op.ver) for op in found.lost} == expected["lost"]
    assert {(op.key, op.ver) for op in found.lost_during} == expected["during"]
    assert (found.rpo.lo, found.rpo.hi) == (expected["rpo_lo"], expected["rpo_hi"])
    by_label = sum(found.counts[label] for label in (Label.LOST, Label.STALE, Label.RESURRECTED))
    assert by_label == len(found.lost)


@given(
    st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 0.3, 1.0, 2.5]),
    st.sampled_from(["reject", "accept", "corrupt"]), st.sampled_from([5.0, 20.0]), st.sampled_from([0.0, 0.2]),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_the_rpo_interval_contains_the_recovery_point_of_a_known_store(
    simulate: Callable[..., Any], scene: type, seed: int, lag: float, mode: str, rate: float, vagueness: float
) -> None:
    history, final, store = simulate(scene(seed=seed, lag=lag, mode=mode, rate=rate))
    fault = Interval(store.scene.fault - vagueness, store.scene.fault + vagueness)
    found = losses(history.ops, final, fault)
    assert found.rpo.lo <= lag <= found.rpo.hi
    assert found.rpo.hi - lag < 4 + 8 / rate or found.rpo.censored
    undone = {(key, abs(ver)) for key, ver in store.undone}
    assert {(op.key, op.ver) for op in found.lost} <= undone, "nothing is called lost that is there"
    assert not found.counts.keys() & {Label.UNEXPECTED, Label.PHANTOM, Label.UNREADABLE}
