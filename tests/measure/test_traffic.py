"""What clients saw over a stretch of time, from what has ended by now."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.measure.history import ABSENT, Kind, Op, Res
from drillbook.measure.traffic import Traffic, traffic

RATE = 10.0


def op(i: int, res: Res = Res.OK, latency: float = 0.01, **more: Any) -> Op:
    due = i / RATE
    told = {"f": Kind.READ, "key": "k", "ver": 1, "seen": 1, **more}
    return Op(i=i, due=due, sent=due, done=due + latency, res=res, **told)


def seen(ops: list[Op], count: int = 10, **more: Any) -> Traffic:
    found = traffic(ops, count, 0.5, **more)
    assert found is not None
    return found


def test_only_the_last_requests_count() -> None:
    ops = [op(i, Res.INFO) for i in range(10)] + [op(i) for i in range(10, 21)]
    assert seen(ops).availability == 1.0
    assert seen(ops).requests == 10
    assert seen(ops, 15).errors == 4


def test_a_canary_that_has_not_sent_so_many_tells_nothing() -> None:
    assert traffic([op(i) for i in range(10)], 11, 0.5) is None
    assert traffic([], 1, 0.5) is None


@pytest.mark.parametrize(
    ("last", "well", "errors"),
    [
        (op(20), 10, 0),
        (op(20, latency=0.6), 9, 0),
        (op(20, Res.INFO), 9, 1),
        (op(20, Res.FAIL), 9, 1),
        (op(20, seen=0), 9, 0),
        (op(20, Res.FAIL, seen=ABSENT), 9, 0),
    ],
    ids=["good", "late", "HTTP 500", "refused", "stale", "nothing to update"],
)
def test_well_is_in_time_and_true_and_an_error_is_no_answer_or_a_refusal(last: Op, well: int, errors: int) -> None:
    found = seen([*(op(i) for i in range(20)), last])
    assert (found.well, found.errors) == (well, errors)


def test_a_missing_record_may_be_left_out_and_nothing_else() -> None:
    ops = [*(op(i) for i in range(18)), op(18, seen=0), op(19, Res.INFO), op(20)]
    found = seen(ops, forgive_missing=True)
    assert (found.requests, found.well, found.errors) == (9, 8, 1)


def test_a_request_that_later_ones_have_overtaken_is_an_error_so_far_and_endless() -> None:
    found = seen([op(i) for i in range(21) if i != 15])
    assert (found.requests, found.well, found.errors) == (10, 9, 1)
    assert found.p95 == math.inf


def test_latency_counts_from_when_a_request_was_due_and_of_answers_only() -> None:
    late = [op(i, latency=0.3 if i > 18 else 0.01) for i in range(21)]
    assert seen(late).p95 == pytest.approx(0.3)
    assert seen([*late[:-2], op(19, Res.INFO, 9.0), op(20)]).p95 == pytest.approx(0.01)
    assert seen([op(i, Res.INFO) for i in range(21)]).p95 == math.inf


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2), st.booleans()), min_size=25, max_size=60))
def test_what_has_not_ended_never_makes_it_look_better(drawn: list[tuple[bool, float, bool]]) -> None:
    whole = [op(i, Res.OK if good else Res.INFO, latency) for i, (good, latency, _) in enumerate(drawn)]
    part = [op for op, (_, _, ended) in zip(whole, drawn, strict=True) if ended]
    some = seen([*part, whole[-1]], 20) if not drawn[-1][2] else seen(part, 20)
    assert some.availability <= seen(whole, 20).availability
    assert some.error_rate >= seen(whole, 20).error_rate
    assert some.requests == 20
