"""The evaluation of alarms, by the tables of AWS's own page on missing data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.embedded.alarms.rule import AlarmState, Rule, evaluate, statistic

OK, ALARM, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
RETAIN = None
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def points(text: str) -> list[float | None]:
    return [{"0": 0.0, "X": 9.0, "-": None}[one] for one in text.split()]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("0 - X - X", (OK, OK, OK, OK)),
        ("- - - - 0", (OK, OK, OK, OK)),
        ("- - - - -", (NO_DATA, RETAIN, ALARM, OK)),
        ("0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("- - X - -", (ALARM, RETAIN, ALARM, OK)),
    ],
)
@pytest.mark.parametrize("now", list(AlarmState))
def test_three_out_of_three(seen: str, expected: tuple[AlarmState | None, ...], now: AlarmState) -> None:
    for treatment, state in zip(TREATMENTS, expected, strict=True):
        rule = Rule("GreaterThanThreshold", 5.0, 3, 3, treatment)
        assert evaluate(rule, points(seen), now).state == (state or now), treatment


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 - X - -", (OK, OK, ALARM, OK)),
        ("- - - - 0", (OK, OK, ALARM, OK)),
        ("- - - X -", (ALARM, RETAIN, ALARM, OK)),
    ],
)
@pytest.mark.parametrize("now", list(AlarmState))
def test_two_out_of_three(seen: str, expected: tuple[AlarmState | None, ...], now: AlarmState) -> None:
    for treatment, state in zip(TREATMENTS, expected, strict=True):
        rule = Rule("GreaterThanThreshold", 5.0, 3, 2, treatment)
        assert evaluate(rule, points(seen), now).state == (state or now), treatment


@pytest.mark.parametrize(
    ("operator", "breaching"),
    [
        ("GreaterThanThreshold", {6.0}),
        ("GreaterThanOrEqualToThreshold", {5.0, 6.0}),
        ("LessThanThreshold", {4.0}),
        ("LessThanOrEqualToThreshold", {4.0, 5.0}),
    ],
)
def test_operators(operator: str, breaching: set[float]) -> None:
    rule = Rule(operator, 5.0, 1, 1)

    assert {value for value in (4.0, 5.0, 6.0) if evaluate(rule, [value], OK).state == ALARM} == breaching


@given(
    st.lists(st.one_of(st.none(), st.floats(-10, 10)), min_size=7, max_size=7),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from(TREATMENTS),
    st.sampled_from(list(AlarmState)),
)
@settings(deadline=None, max_examples=200)
def test_an_alarm_without_gaps_counts_and_one_with_gaps_never_fails(
    seen: list[float | None], needed: int, to_alarm: int, treatment: str, now: AlarmState
) -> None:
    rule = Rule("GreaterThanThreshold", 0.0, needed, min(to_alarm, needed), treatment)
    finding = evaluate(rule, seen[: needed + 2], now)

    if None not in seen:
        breaching = sum(1 for value in seen[: needed + 2][-needed:] if value is not None and value > 0)
        assert finding.state == (ALARM if breaching >= rule.to_alarm else OK)
    assert finding.reason.endswith(".")


def test_statistics_of_a_period() -> None:
    values = [1.0, 2.0, 3.0, 4.0]

    asked = ("Sum", "Average", "Minimum", "Maximum", "SampleCount", "p50", "p100", "p0")
    assert [statistic(name, values) for name in asked] == [10.0, 2.5, 1.0, 4.0, 4.0, 2.5, 4.0, 1.0]
    assert statistic("Sum", []) is None


def test_a_reason_tells_what_crossed_and_what_was_unknown() -> None:
    rule = Rule("GreaterThanOrEqualToThreshold", 1.0, 1, 1, "missing")

    assert evaluate(rule, [3.0], OK).reason == (
        "Threshold Crossed: 1 out of the last 1 datapoint [3.0] was greater than or equal to the threshold (1.0)."
    )
    assert evaluate(rule, [None], OK).reason == "Insufficient Data: 1 datapoint was unknown."
