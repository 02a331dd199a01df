from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.measure.final import Final
from drillbook.measure.history import FOREIGN, Kind, Op, Res
from drillbook.measure.judge import judge
from drillbook.measure.loss import losses
from drillbook.measure.rto import Rto, State, rto
from drillbook.measure.run import Run
from drillbook.measure.sight import sightings
from drillbook.measure.windows import total, windows
from drillbook.objective import Basis, Interval

RATE = 10.0


def run(lo: float = 2.0, hi: float = 2.0, *, end: float = 10.0, hold: float = 1.0, rate: float = RATE) -> Run:
    return Run(Interval(lo, hi), end, hold=hold, slow=0.5, rate=rate, timeout=2.0, basis=Basis.EMULATED)


def probes(
    good: Callable[[float], bool], *, until: float = 10.0, f: Callable[[int], Kind] = lambda i: Kind.PROBE
) -> list[Op]:
    """One operation every 0.1 s, each under way for 20 ms."""
    return [
        Op(i, f(i), "", 0, i / RATE, i / RATE, i / RATE + 0.02, Res.OK if good(i / RATE) else Res.INFO)
        for i in range(int(until * RATE))
    ]


def measure(ops: list[Op], on: Run) -> Rto:
    return rto(sightings(ops, on.slow), on)


def close(interval: Interval, lo: float, hi: float) -> bool:
    return (interval.lo, interval.hi) == pytest.approx((lo, hi))


def test_an_outage_lies_between_the_last_bad_and_the_first_good_operation() -> None:
    found = measure(probes(lambda t: not 2.05 < t < 4.95), run())
    assert found.state is State.RECOVERED
    assert close(found.interval, 2.9, 3.02)
    assert found.impact == pytest.approx(2.1)
    assert found.verified == pytest.approx(6.0)


def test_a_fault_that_took_time_to_strike_widens_the_interval_on_both_sides() -> None:
    assert close(measure(probes(lambda t: not 2.05 < t < 4.95), run(1.5, 2.25)).interval, 2.65, 3.52)


def test_an_outage_nobody_met_is_no_impact_but_not_zero() -> None:
    found = measure(probes(lambda t: True), run(2.05, 2.05))
    assert found.state is State.NO_IMPACT
    assert close(found.interval, 0.0, 0.07)


def test_a_drill_that_ends_too_soon_is_censored() -> None:
    found = measure(probes(lambda t: t < 2), run())
    assert found.state is State.NOT_RECOVERED
    assert found.interval.censored
    assert found.interval.lo == pytest.approx(7.9)
    assert found.last_bad is not None


def test_recovery_that_did_not_hold_is_none() -> None:
    found = measure(probes(lambda t: not 2 <= t < 9.5), run())
    assert found.state is State.NOT_RECOVERED
    assert "had not stayed good for 1 s" in found.why


def test_flapping_counts_until_its_last_relapse() -> None:
    found = measure(probes(lambda t: not (2.05 < t < 3 or 4.05 < t < 4.95 or 6.05 < t < 6.95)), run())
    assert close(found.interval, 4.9, 5.02)


def test_a_partial_outage_ends_when_the_kind_that_failed_works_again() -> None:
    def kind(i: int) -> Kind:
        return Kind.DELETE if i % 10 == 0 else Kind.READ

    ops = probes(lambda t: not (round(t * 10) % 10 == 0 and 2 <= t < 5), f=kind)
    reads_are_fine = [Op(**{**vars(op), "seen": 0}) if op.f is Kind.READ else op for op in ops]
    assert close(measure(reads_are_fine, run()).interval, 2.0, 3.02)


def test_a_record_that_was_read_badly_must_be_read_well_again() -> None:
    reads = [Op(i, Kind.READ, "ab"[i % 2], 1, i / RATE, i / RATE, i / RATE, Res.OK, seen=1) for i in range(100)]
    missing = [Op(**{**vars(op), "seen": 0}) if op.key == "a" and op.i == 24 else op for op in reads]
    assert close(measure(missing, run()).interval, 0.4, 0.6)
    never_again = [op for op in missing if op.key == "b" or op.i <= 24]
    assert "no record that was read badly" in measure(never_again, run()).why


def test_a_record_that_came_back_stays_so_although_answers_are_late_for_longer() -> None:
    ops = probes(lambda t: not 2.05 < t < 4.95)
    ops[31] = Op(31, Kind.READ, "a", 1, 3.1, 3.1, 3.12, Res.OK, seen=0)
    ops[43] = Op(43, Kind.READ, "a", 1, 4.3, 4.3, 4.32, Res.OK, seen=1)
    assert close(measure(ops, run()).interval, 2.9, 3.02)
    ops[48] = Op(48, Kind.READ, "a", 1, 4.8, 4.8, 4.82, Res.OK, seen=0)
    assert "no record that was read badly" in measure(ops, run()).why


def test_a_late_answer_that_shows_the_record_proves_that_it_is_back_and_not_that_answers_come_in_time() -> None:
    ops = [Op(i, Kind.READ, "b", 1, i / RATE, i / RATE, i / RATE + 0.02, Res.OK, seen=1) for i in range(100)]
    ops[31] = Op(31, Kind.READ, "a", 1, 3.1, 3.1, 3.12, Res.OK, seen=0)
    ops[43] = Op(43, Kind.READ, "a", 1, 4.3, 4.3, 4.95, Res.OK, seen=1)
    assert close(measure(ops, run()).interval, 2.3, 2.95)
    ops[60:] = [Op(**{**vars(op), "f": Kind.PROBE}) for op in ops[60:]]
    assert measure(ops[:44] + ops[60:], run()).why == "no read has gone well since"


def test_a_corrupt_record_of_which_an_older_version_is_all_that_is_left_is_back_with_that_version() -> None:
    def read(i: int, seen: int) -> Op:
        return Op(i, Kind.READ, "a", 2, i / RATE, i / RATE, i / RATE + 0.02, Res.OK, seen=seen)

    ops = probes(lambda t: True)
    ops[10] = Op(10, Kind.INSERT, "a", 1, 1.0, 1.0, 1.02, Res.OK)
    ops[18] = Op(18, Kind.UPDATE, "a", 2, 1.8, 1.8, 1.82, Res.OK)
    ops[25], ops[30] = read(25, FOREIGN), read(30, FOREIGN)
    on = run()
    gone = losses(ops, Final({"a": 1}), on.fault)
    never = rto(sightings(ops, on.slow, gone), on, len(gone.lost))
    assert "no record that was read badly" in never.why
    ops[40] = read(40, 1)
    assert close(rto(sightings(ops, on.slow, gone), on, len(gone.lost)).interval, 1.0, 2.02)


def test_a_silent_canary_proves_nothing() -> None:
    ops = [op for op in probes(lambda t: not 2 <= t < 4) if not 4.2 < op.sent < 9.4]
    found = measure(ops, run())
    assert found.state is State.NOT_RECOVERED
    assert found.why == "the canary fell silent in the hold time"


def test_a_good_answer_overtaking_a_bad_one_is_no_proof() -> None:
    ops = probes(lambda t: True)
    ops[50] = Op(50, Kind.PROBE, "", 0, 5.0, 5.0, 5.35, Res.INFO)
    assert measure(ops, run()).interval.hi == pytest.approx(5.42 - 2)


instants = st.integers(0, 60).map(lambda n: n / 8)


def any_ops(dice: random.Random) -> list[Op]:
    """Operations without rhyme or reason."""
    ops = []
    for i in range(dice.randint(1, 24)):
        due, f = dice.randint(0, 60) / 8, dice.choice([Kind.PROBE, Kind.INSERT, Kind.READ])
        sent = due + dice.randint(0, 2) / 8
        seen, key = (dice.choice([0, 1, 1]), dice.choice("ab")) if f is Kind.READ else (None, "")
        res = dice.choice([Res.OK] * 5 + [Res.FAIL, Res.INFO])
        ops.append(Op(i, f, key, 1, due, sent, sent + dice.randint(0, 6) / 8, res, seen=seen))
    return ops


def brute_force(ops: list[Op], on: Run) -> tuple[bool, bool, float, float]:
    """(recovered, impact, lo, hi), by trying every operation as the first of the hold time."""
    looked = [op for op in ops if op.sent <= on.end]

    def good(op: Op) -> bool:
        return op.res is Res.OK and op.done - op.due <= on.slow and not (op.f is Kind.READ and op.seen != 1)

    bad = [op for op in looked if not good(op) and max(op.done, op.sent) >= on.fault.lo]
    bad = [op for op in bad if op.done > on.fault.lo or op.sent >= on.fault.lo]
    lo = max([0.0] + [op.sent - on.fault.hi for op in bad])
    over = max([on.fault.hi] + [min(op.done, op.sent + on.slow) for op in bad])
    for start in sorted({op.sent for op in looked if good(op) and op.sent >= over}):
        inside = sorted(op.sent for op in looked if start <= op.sent <= start + on.hold)
        steps = [b - a for a, b in zip(inside, [*inside[1:], start + on.hold], strict=True)]
        if start + on.hold > on.end or len(inside) < on.enough or max(steps) > on.max_gap:
            continue
        after = sorted((op for op in looked if good(op) and op.sent >= start), key=lambda op: (op.sent, op.i))
        stale = [op for op in bad if op.f is Kind.READ and op.res is Res.OK and op.seen != 1]
        kinds = {op.f for op in bad if op not in stale} if bad else {op.f for op in looked if good(op)}
        firsts = {f: next((op.done for op in after if op.f is f), None) for f in kinds}
        if bad and None in firsts.values():
            return False, True, lo, math.inf
        keys = {op.key for op in bad if op.f is Kind.READ and op.res is Res.OK and op.seen != 1}
        lasts = {
            key: max(op.sent for op in bad if op.f is Kind.READ and op.res is Res.OK and op.seen != 1 and op.key == key)
            for key in keys
        }
        back = max([on.fault.hi] + [min(op.done, op.sent + on.slow) for op in stale])
        shown = (op for op in looked if op.f is Kind.READ and op.res is Res.OK and op.seen == 1 and op.sent >= back)
        later = sorted(shown, key=lambda op: (op.sent, op.i))
        again = {key: next((op for op in later if op.key == key), None) for key in keys}
        well = {key: op for key, op in again.items() if op}
        if keys and not well:
            return False, True, lo, math.inf
        dated = [op.done for key, op in well.items() if op.sent <= lasts[key] + on.revisit]
        if well and not dated:
            dated = [min(op.done for op in well.values())]
        hi = max(each for each in [*firsts.values(), *dated] if each is not None) - on.fault.lo
        return True, bool(bad), lo, hi
    return False, bool(bad), lo, math.inf


@given(
    st.integers(0, 10**9).map(random.Random).map(any_ops),
    instants,
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([2.0, 5.0]),
)
@settings(max_examples=1500, deadline=None)
def test_the_rto_agrees_with_brute_force(ops: list[Op], lo: float, took: float, hold: float, rate: float) -> None:
    on = run(lo, lo + took, end=max(op.sent for op in ops), hold=hold, rate=rate)
    found, (recovered, impact, low, high) = measure(ops, on), brute_force(ops, on)
    assert (found.state in (State.RECOVERED, State.NO_IMPACT)) is recovered
    assert (found.impact is not None) is impact
    assert (found.interval.lo, found.interval.hi) == (low, high)


@st.composite
def flapping(draw: st.DrawFn) -> tuple[list[Op], list[tuple[float, float, frozenset[Kind]]], set[int], Interval, float]:
    """A service that is down for some kinds, from a known instant to another, up to three times in a row.

    The numbers of the outages that some operation met come with it.
    """
    rate, at = draw(st.sampled_from([2.0, 5.0, 20.0])), 3.0
    kinds = [Kind.PROBE, Kind.INSERT, Kind.READ]
    outages = []
    for _ in range(draw(st.integers(1, 3))):
        until = at + draw(st.integers(1, 300)) / 100
        outages.append((at, until, frozenset(draw(st.lists(st.sampled_from(kinds), min_size=1)))))
        at = until + draw(st.integers(1, 150)) / 100
    dice, mode = random.Random(draw(st.integers(0, 10**9))), draw(st.sampled_from(["503", "hang", "refuse"]))
    ops, met_by = [], set()
    for i in range(int(rate * (at + 6))):
        due = i / rate
        sent = due + dice.uniform(0, 0.05)
        met, f = sent + dice.uniform(0, 0.08), dice.choice(kinds)
        if down := {n for n, (a, b, broken) in enumerate(outages) if a <= met < b and f in broken}:
            met_by |= down
            took, res = (
                (2.0, Res.INFO)
                if mode == "hang"
                else (dice.uniform(0, 0.05), Res.FAIL if mode == "refuse" else Res.INFO)
            )
        else:
            took, res = dice.uniform(0, 0.05), Res.OK
        ops.append(Op(i, f, "k", 1, due, sent, (sent if mode == "hang" and took == 2.0 else met) + took, res, seen=1))
    fault = Interval(3.0 - draw(st.sampled_from([0.0, 0.3])), 3.0 + draw(st.sampled_from([0.0, 0.2])))
    return ops, outages, met_by, fault, rate


@given(flapping())
@settings(max_examples=120, deadline=None)
def test_the_rto_interval_contains_the_truth_of_a_flapping_and_partial_outage(world: Any) -> None:
    ops, outages, met_by, fault, rate = world
    found = measure(ops, run(fault.lo, fault.hi, end=ops[-1].sent, rate=rate))
    if met_by and found.state is not State.RECOVERED:
        assert found.why in {f"no {f} has gone well since" for f in Kind}
        assert found.interval.lo <= outages[max(met_by)][1] - 3.0
    elif met_by:
        assert outages[max(met_by)][1] - 3.0 in found.interval
    else:
        assert found.state is State.NO_IMPACT
        known = {op.f for op in ops if op.done < fault.lo} & {op.f for op in ops if op.sent >= outages[-1][1]}
        assert len(outages) > 1 or outages[0][1] - 3.0 <= found.interval.hi or not outages[0][2] & known


@given(
    st.integers(0, 10**6),
    st.sampled_from(["reject", "corrupt"]),
    st.sampled_from([0.0, 0.4, 2.0]),
    st.sampled_from([10.0, 20.0]),
)
@settings(max_examples=120, deadline=None)
def test_the_rto_interval_contains_the_truth_of_a_store_that_loses_data(
    simulate: Callable[..., Any], scene: type, seed: int, mode: str, lag: float, rate: float
) -> None:
    history, final, store = simulate(scene(seed=seed, mode=mode, lag=lag, rate=rate))
    on = run(store.scene.fault, store.scene.fault, end=store.scene.end, rate=rate)
    judged = judge(history, final, on)
    if mode == "reject" or judged.rto.state is State.RECOVERED:
        assert judged.rto.state is State.RECOVERED
        assert store.scene.restored - store.scene.fault in judged.rto.interval
        assert judged.rto.interval.width < on.revisit + 20 / rate


def test_windows_add_up_to_the_unavailability() -> None:
    ops = probes(lambda t: not (2.05 < t < 3.05 or 6.05 < t < 6.95))
    found = windows(sightings(ops, 0.5))
    assert [window.bad for window in found] == [10, 9]
    assert 1.0 in found[0].length
    assert 1.9 in total(found)


def read(i: int, key: str, latency: float = 0.02, seen: int = 1) -> Op:
    return Op(i, Kind.READ, key, 1, i / RATE, i / RATE, i / RATE + latency, Res.OK, "HTTP 200", seen)


def test_a_late_answer_that_was_true_keeps_a_window_open_for_its_kind_and_not_for_its_record() -> None:
    late, stale = read(10, "a", latency=0.8), read(10, "a", seen=0)
    rest = [read(i, "b") for i in (*range(10), *range(11, 50))] + [read(50, "a")]
    by_kind, by_record = ([*windows(sightings([*rest, bad], 0.5))] for bad in (late, stale))
    assert by_kind[0].end.hi < 1.2
    assert by_record[0].end.hi > 5.0


def test_an_outage_that_never_ends_leaves_its_window_open() -> None:
    assert math.isinf(windows(sightings(probes(lambda t: t < 2), 0.5))[0].end.hi)


def test_a_suspect_met_again_by_chance_dates_nothing() -> None:
    reads = [Op(i, Kind.READ, "ab"[i % 2], 1, i / RATE, i / RATE, i / RATE, Res.OK, seen=1) for i in range(100)]
    rare = Op(24, Kind.READ, "c", 1, 2.4, 2.4, 2.4, Res.OK, seen=0)
    ops = [
        *reads[:24],
        rare,
        Op(**{**vars(reads[25]), "seen": 0}),
        *reads[26:90],
        Op(**{**vars(rare), "i": 90, "due": 9.0, "sent": 9.0, "done": 9.0, "seen": 1}),
        *reads[91:],
    ]
    assert close(measure(ops, run(end=11.0, hold=0.5)).interval, 0.5, 0.7)
