"""The evidence against a table whose whole history is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.aws.recovery import evidence
from drillbook.aws.recovery.evidence import StreamedChange, gather
from drillbook.errors import PermanentError
from drillbook.world import World

START = datetime(2026, 1, 1, tzinfo=UTC)
GOOD, BAD = {"price": {"N": "1"}}, {"price": {"S": "x"}}


def is_corrupt(item: dict[str, Any]) -> bool:
    return item == BAD


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[float, str, dict[str, Any] | None]]:
    """(seconds since the start, key, image after), in order."""
    moments = sorted(draw(st.lists(st.floats(0, 20, allow_nan=False).map(lambda s: round(s, 3)), max_size=25)))
    return [(at, draw(st.sampled_from("abcd")), draw(st.sampled_from([GOOD, GOOD, BAD, None]))) for at in moments]


def changes(
    history: list[tuple[float, str, dict[str, Any] | None]], *, whole_seconds: bool
) -> Iterator[StreamedChange]:
    present: set[str] = set()
    for at, key, new in history:
        if new is None and key not in present:
            continue
        kind = "REMOVE" if new is None else "MODIFY" if key in present else "INSERT"
        (present.discard if new is None else present.add)(key)
        yield StreamedChange(START + timedelta(seconds=int(at) if whole_seconds else at), key, kind, new)


def table_at(history: list[tuple[float, str, dict[str, Any] | None]], seconds: float) -> dict[str, dict[str, Any]]:
    state = {key: new for at, key, new in history if at <= seconds}
    return {key: new for key, new in state.items() if new is not None}


@pytest.mark.parametrize("whole_seconds", [False, True])
@settings(deadline=None, max_examples=200)
@given(history=histories())
def test_the_moment_is_before_the_corruption_and_the_count_contains_the_truth(
    history: list[tuple[float, str, dict[str, Any] | None]], whole_seconds: bool
) -> None:
    now = table_at(history, 100)
    corrupt = {key for key, item in now.items() if is_corrupt(item)}
    told = list(changes(history, whole_seconds=whole_seconds))
    with patch.object(evidence, "_changes", lambda world, table: iter(told)):
        if not corrupt:
            with pytest.raises(PermanentError, match="left an item corrupt"):
                gather(cast(World, SimpleNamespace()), "t", is_corrupt)
            return
        found = gather(cast(World, SimpleNamespace()), "t", is_corrupt)
    assert found.corrupt == len(corrupt)
    moment = (found.restore_to - START).total_seconds()
    then = table_at(history, moment)
    assert len(now) + found.fewest <= len(then) <= len(now) + found.most
    began = {key: _streak_start(history, key) for key in corrupt}
    assert all(moment < start for start in began.values())
    assert min(began.values()) - moment <= (2 if not whole_seconds else 3)


def _streak_start(history: list[tuple[float, str, dict[str, Any] | None]], key: str) -> float:
    """When the present corruption of ``key`` began."""
    start = None
    for at, changed, new in history:
        if changed == key:
            start = (at if start is None else start) if new == BAD else None
    assert start is not None
    return start
