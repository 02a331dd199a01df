"""Calendars: the next time is right, also at the ends of months, in leap years and across years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.programme.cron import Cron

MOMENTS = st.datetimes(
    datetime.fromisoformat("1999-01-01"), datetime.fromisoformat("2104-12-31"), timezones=st.just(UTC)
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("30 5 1 * *", utc(2026, 1, 31, 23), utc(2026, 2, 1, 5, 30)),
        ("30 5 1 * *", utc(2026, 2, 1, 5, 30), utc(2026, 3, 1, 5, 30)),
        ("0 0 31 * *", utc(2026, 1, 31), utc(2026, 3, 31)),
        ("0 0 29 2 *", utc(2024, 2, 29), utc(2028, 2, 29)),
        ("0 0 29 2 *", utc(2096, 2, 29), utc(2104, 2, 29)),
        ("59 23 31 12 *", utc(2026, 12, 31, 23, 59), utc(2027, 12, 31, 23, 59)),
        ("0 6 2 1,4,7,10 *", utc(2026, 4, 2, 6), utc(2026, 7, 2, 6)),
        ("0 12 * * mon-fri", utc(2026, 11, 20, 12), utc(2026, 11, 23, 12)),
        ("0 12 * * 7", utc(2026, 11, 22, 11), utc(2026, 11, 22, 12)),
        ("0 0 13 * fri", utc(2026, 11, 1), utc(2026, 11, 6)),
        ("*/20 * * * *", utc(2026, 11, 1, 0, 41), utc(2026, 11, 1, 1, 0)),
        ("5/20 1-3/2 * JAN *", utc(2026, 1, 1, 1, 45), utc(2026, 1, 1, 3, 5)),
    ],
)
def test_the_next_time_is_the_one_that_crontab_promises(text: str, moment: datetime, expected: datetime) -> None:
    assert Cron.parse(text).after(moment) == expected


def test_the_next_time_is_told_in_utc_whatever_zone_is_asked_in() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert Cron.parse("0 0 * * *").after(datetime(2026, 3, 1, 8, 59, tzinfo=tokyo)) == utc(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "five fields"),
        ("30 5 1 *", "five fields"),
        ("60 5 1 * *", "from 0 to 59"),
        ("0 24 * * *", "from 0 to 23"),
        ("0 0 0 * *", "from 1 to 31"),
        ("0 0 * 13 *", "from 1 to 12"),
        ("0 0 * * 8", "from 0 to 7"),
        ("0 0 * * friday", "no day of the week"),
        ("5-1 0 * * *", "from 0 to 59"),
        ("*/0 * * * *", "from 0 to 59"),
        ("1,,2 * * * *", "no minute"),
        ("0 0 30 2 *", "never happens"),
        ("0 0 31 4,6 *", "never happens"),
        ("٣ 0 * * *", "no minute"),
        ("@daily", "five fields"),
    ],
)
def test_what_is_no_calendar_is_refused_with_what_is(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Cron.parse(text)


@given(
    minute=st.integers(0, 59), hour=st.integers(0, 23), day=st.integers(1, 31), month=st.integers(1, 12), moment=MOMENTS
)
def test_the_next_time_is_later_fits_and_nothing_between_fits(
    minute: int, hour: int, day: int, month: int, moment: datetime
) -> None:
    try:
        cron = Cron.parse(f"{minute} {hour} {day} {month} *")
    except ValueError:
        assert (month, day) in {(2, 30), (2, 31), (4, 31), (6, 31), (9, 31), (11, 31)}
        return
    found = cron.after(moment)
    assert found > moment
    assert (found.minute, found.hour, found.day, found.month, found.second) == (minute, hour, day, month, 0)
    years = range(moment.year, found.year + 1)
    fitting = [utc(year, month, day, hour, minute) for year in years if (month, day) != (2, 29) or _is_leap(year)]
    assert min(each for each in fitting if each > moment) == found


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@given(weekdays=st.sets(st.integers(0, 6), min_size=1), hour=st.integers(0, 23), moment=MOMENTS)
def test_weekdays_come_round_within_a_week(weekdays: set[int], hour: int, moment: datetime) -> None:
    found = Cron.parse(f"0 {hour} * * {','.join(map(str, weekdays))}").after(moment)
    assert timedelta(0) < found - moment <= timedelta(days=7)
    assert found.isoweekday() % 7 in weekdays
