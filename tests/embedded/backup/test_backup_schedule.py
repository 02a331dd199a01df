"""When a rule is due, and what it selects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.embedded.backup.schedule import schedule, shortest_gap
from drillbook.embedded.backup.selection import selects

NOON = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)  # A Saturday.


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 5 ? * * *)", "2026-03-15T05:00"),
        ("cron(30 12 * * ? *)", "2026-03-15T12:30"),
        ("cron(31 12 * * ? *)", "2026-03-14T12:31"),
        ("cron(0/15 * ? * * *)", "2026-03-14T12:45"),
        ("cron(0 8 1 * ? *)", "2026-04-01T08:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-03-16T18:00"),
        ("cron(0 18 ? * 1 *)", "2026-03-15T18:00"),
        ("cron(0 0 L * ? *)", "2026-03-31T00:00"),
        ("cron(0 0 ? * 6L *)", "2026-03-27T00:00"),
        ("cron(0 0 ? * TUE#3 *)", "2026-03-17T00:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00"),
        ("cron(0 0 1 JAN,JUL ? *)", "2026-07-01T00:00"),
        ("cron(0 0 1 1 ? 2030)", "2030-01-01T00:00"),
        ("cron(0 0 1 1 ? 2020)", None),
        ("rate(1 hour)", "2026-03-14T13:30"),
        ("rate(2 days)", "2026-03-16T12:30"),
    ],
)
def test_the_next_moment_is_known(expression: str, expected: str | None) -> None:
    found = schedule(expression, NOON)(NOON)
    assert (found and found.strftime("%Y-%m-%dT%H:%M")) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "daily",
        "cron(0 5 * * * *)",
        "cron(0 5 ? * *)",
        "cron(60 5 ? * * *)",
        "cron(0 5 32 * ? *)",
        "cron(0 5 x * ? *)",
        "cron(0 5 15W * ? *)",
        "cron(5-3 5 ? * * *)",
        "cron(0/0 5 ? * * *)",
        "rate(0 hours)",
        "rate(5 fortnights)",
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        schedule(expression, NOON)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    seconds=st.integers(0, 6 * 365 * 86400),
)
def test_a_daily_moment_comes_once_a_day(minute: int, hour: int, seconds: int) -> None:
    start = NOON + timedelta(seconds=seconds)
    due = schedule(f"cron({minute} {hour} ? * * *)", start)
    first = due(start)
    assert first is not None
    assert timedelta(0) < first - start <= timedelta(days=1)
    assert (first.hour, first.minute) == (hour, minute)
    assert due(first) == first + timedelta(days=1)


@pytest.mark.parametrize(
    ("expression", "hours"), [("cron(0/30 * ? * * *)", 0.5), ("cron(0 1,3 ? * * *)", 2), ("rate(12 hours)", 12)]
)
def test_the_shortest_gap_is_found(expression: str, hours: float) -> None:
    assert shortest_gap(schedule(expression, NOON), NOON) == timedelta(hours=hours)


TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"


@pytest.mark.parametrize(
    ("selection", "tags", "expected"),
    [
        ({"Resources": [TABLE]}, {}, True),
        ({"Resources": ["arn:aws:dynamodb:*"]}, {}, True),
        ({"Resources": ["arn:aws:rds:*"]}, {}, False),
        ({"Resources": ["*"], "NotResources": [TABLE]}, {}, False),
        ({"ListOfTags": [_ := {"ConditionKey": "b", "ConditionValue": "daily"}]}, {"b": "daily"}, True),
        ({"ListOfTags": [_]}, {"b": "weekly"}, False),
        ({"ListOfTags": [_], "Resources": ["arn:aws:rds:*"]}, {"b": "daily"}, True),
        ({"Resources": ["*"], "Conditions": {"StringEquals": [_]}}, {}, False),
        ({"Resources": ["*"], "Conditions": {"StringEquals": [_]}}, {"b": "daily"}, True),
        (
            {
                "Resources": ["*"],
                "Conditions": {"StringLike": [{"ConditionKey": "aws:ResourceTag/b", "ConditionValue": "d*"}]},
            },
            {"b": "daily"},
            True,
        ),
        ({"Resources": ["*"], "Conditions": {"StringNotEquals": [_]}}, {"b": "daily"}, False),
        (
            {"Resources": ["*"], "Conditions": {"StringNotLike": [{"ConditionKey": "b", "ConditionValue": "d*"}]}},
            {},
            True,
        ),
        ({"Resources": ["arn:aws:dynamodb:eu-west-?:*"]}, {}, False),
    ],
)
def test_a_selection_means_these(selection: dict[str, object], tags: dict[str, str], expected: bool) -> None:
    assert selects(selection, TABLE, tags) is expected
