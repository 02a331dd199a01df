from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.units import duration_text, fraction, seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20 min", 1200),
        ("1 h 30 min", 5400),
        ("500ms", 0.5),
        ("1:30:00", 5400),
        ("2 days", 172800),
        ("1.5 s", 1.5),
        (3, 3),
        ("0 s", 0),
        ("1 h, 5 s", 3605),
    ],
)
def test_durations_are_read_as_people_write_them(text: str | float, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "1:30",
        "-5 min",
        "5 mins and a bit",
        "1e3 s",
        "min",
        "5 5 s",
        "9" * 400 + " s",
        -1.0,
        math.inf,
        math.nan,
    ],
)
def test_what_is_no_duration_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"), [("30 %", 0.3), ("30%", 0.3), (" 30 % ", 0.3), ("0.3", 0.3), (1, 1), ("0", 0)]
)
def test_shares_are_percentages_or_numbers(text: str | float, value: float) -> None:
    assert fraction(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "%", "30", "130 %", "-1 %", "nan", "a lot", "3 %%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no share"):
        fraction(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.45, "450 ms"),
        (0.9996, "1 s"),
        (12.34, "12.3 s"),
        (10, "10 s"),
        (59.97, "1 min"),
        (1200, "20 min"),
        (3900, "1 h 5 min"),
        (math.inf, "∞"),
    ],
)
def test_durations_are_written_for_people(value: float, text: str) -> None:
    assert duration_text(value) == text


@settings(deadline=None)
@given(st.floats(0.001, 1e7))
def test_a_written_duration_reads_back_as_nearly_the_same(value: float) -> None:
    assert seconds(duration_text(value)) == pytest.approx(value, rel=0.06, abs=0.0006)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= seconds(text) < math.inf
