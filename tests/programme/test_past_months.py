"""A team's past months, as evidence: what a year of drills leaves due, and what CI makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .conftest import Outing, Said

Call = Callable[..., Said]

PROGRAMMES = """\
programmes:
  weekly:
    every: 7 d
    grace: 2 d
    drills:
      - {service: notes, tag: quick}
  monthly:
    calendar: "30 5 1 * *"
    grace: 5 d
    drills:
      - {service: notes}
  quarterly:
    calendar: "30 6 2 1,4,7,10 *"
    grace: 14 d
    drills:
      - {service: notes, scenario: The disk is full}
"""


def on(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
def past_months(written: Callable[[str], Path], outing: Outing) -> None:
    """The server's death was drilled each month and last week; the full disk in January, and in vain in April."""
    written(PROGRAMMES)
    for month in (1, 2, 3, 4, 5, 6):
        outing(on(month, 1))
    outing(on(6, 20))
    outing(on(1, 2), drill="The disk is full")
    outing(on(4, 2), "INCONCLUSIVE", drill="The disk is full")
    outing(on(4, 3), "PASS", drill="The disk is full", sabotage="skipped repoint")


def standings(out: str) -> dict[tuple[str, str], str]:
    return {(line["programme"], line["drill"]): line["standing"] for line in json.loads(out)["drills"]}


@pytest.mark.usefixtures("past_months")
@pytest.mark.parametrize(
    ("as_of", "weekly", "monthly", "full_disk", "code"),
    [
        ("2026-01-02T13:00:00Z", "done", "done", "done", 0),
        ("2026-03-05", "done", "done", "overdue", 1),
        ("2026-06-22", "done", "done", "overdue", 1),
        ("2026-06-26T12:00:00Z", "soon", "done", "overdue", 1),
        ("2026-06-29T11:00:00Z", "due", "soon", "overdue", 1),
        ("2026-07-03", "overdue", "due", "overdue", 1),
        ("2026-07-08", "overdue", "overdue", "overdue", 1),
    ],
)
def test_due_tells_what_the_past_months_left(
    call: Call, as_of: str, weekly: str, monthly: str, full_disk: str, code: int
) -> None:
    said, out, err = call("due", "--json", "--as-of", as_of)
    assert (said, err) == (code, "")
    found = standings(out)
    assert found["weekly", "The server dies"] == weekly
    assert found["monthly", "The server dies"] == monthly
    assert found["monthly", "The disk is full"] == full_disk


@pytest.mark.usefixtures("past_months")
def test_the_quarter_counts_from_the_pass_and_a_run_that_proved_nothing_is_due_at_once(call: Call) -> None:
    """Passed on 2 January at noon, so due on 2 April at 06:30, and soon for as long as its grace before that."""
    asked = {
        day: standings(call("due", "--json", "--as-of", day)[1])["quarterly", "The disk is full"]
        for day in ("2026-02-01", "2026-03-20", "2026-04-02T06:30:00Z", "2026-04-02T11:00:00Z", "2026-04-02T13:00:00Z")
    }
    assert list(asked.values()) == ["done", "soon", "due", "due", "overdue"]
