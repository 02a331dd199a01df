"""Recovery points of a saved world are as old as they were, and none is of the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from drillbook.embedded.backup.backend import VaultBackend

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SAVED = NOW - timedelta(hours=1)


def woken(*created: datetime) -> list[datetime]:
    points = {str(n): SimpleNamespace(created=at, delete_at=None) for n, at in enumerate(created)}
    jobs: dict[str, object] = {}
    vaults = SimpleNamespace(
        now=lambda: NOW, backup_jobs=jobs, copy_jobs=jobs, restore_jobs=jobs, points=points, clockworks={}
    )
    VaultBackend.wake_up(cast(Any, vaults), SAVED)
    return [point.created for point in points.values()]


def test_a_point_is_as_old_as_it_was_when_the_world_was_saved() -> None:
    assert woken(SAVED - timedelta(minutes=5)) == [NOW - timedelta(minutes=5)]


def test_a_point_that_a_plan_took_just_after_the_world_was_read_is_not_of_the_future() -> None:
    assert woken(NOW - timedelta(seconds=1)) == [NOW]
