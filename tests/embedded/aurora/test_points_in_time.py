"""What a restore to a point in time returns is what was committed by then."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

SEED = 20261122


@pytest.mark.slow
@pytest.mark.parametrize("moments", [2, 12])
def test_a_restored_cluster_holds_exactly_what_was_committed_by_then(
    cluster: Callable[..., Any], cluster_of: Any, until: Callable[..., Any], moments: int
) -> None:
    chance = random.Random(SEED)
    source = cluster(f"truth-{moments}", "a")
    source.run("create table t (n int)")
    first = source.run("select clock_timestamp()")[0]
    with source.connect() as database:
        for number in range(200):
            database.execute("insert into t values (%s)", [number])
            if chance.random() < 0.05:
                database.execute("select pg_sleep(0.02)")
        truth = database.execute("select n, pg_xact_commit_timestamp(xmin) from t").fetchall()
    last = max(at for _, at in truth)
    until("the window", source.described, lambda it: it["LatestRestorableTime"] >= last)
    for number in range(moments):
        at = first + timedelta(seconds=chance.uniform(0, (last - first).total_seconds()))
        restored = cluster_of(source.rds, f"truth-{moments}-at-{number}")
        source.rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier=restored.name,
            SourceDBClusterIdentifier=source.name,
            RestoreToTime=at.isoformat(timespec="microseconds"),
        )
        restored.await_status("available")
        restored.add("a")
        expected = sorted(n for n, committed in truth if committed <= at)
        assert restored.run("select n from t order by n") == expected, at
