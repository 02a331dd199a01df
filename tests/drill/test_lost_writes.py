"""What a drill says was lost in a failover is what the databases themselves lost."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .repository import CHECKOUT, Repository, Run

DRILL = (Path(__file__).parent / "losing_drill.py").read_text()


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What each side had of the canary's incidents when us-east-1 was lost, and what the drill reports."""
    repository = Repository(tmp_path / "repository", "roadcall")
    (repository.root / "losing_drill.py").write_text(DRILL)
    # A database's socket has a path of 107 characters at most, which pytest's own directories leave no room for.
    environment = repository.environment | {"TMPDIR": tempfile.gettempdir()}
    done = Run(repository.start(str(repository.root), module="losing_drill", env=environment)).end(timeout=300)
    assert done.code == 0, done
    yield json.loads(done.out.splitlines()[-1])
    shutil.rmtree(repository.root / "reports", ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_lost_writes_are_those_that_only_the_lost_region_had(lost: dict[str, Any]) -> None:
    """An incident is as far as the older of its two stores. Of what only us-east-1 had, the canary lists what had been
    acknowledged; the rest had not been answered when the region went dark."""
    kept, gone = lost["us-west-2"], lost["us-east-1"]
    only_there = {key for key, revision in gone.items() if revision > kept.get(key, 0)}
    listed = set(lost["listed"])
    assert listed, "a failover of asynchronous replication loses something"
    assert listed <= only_there, f"listed, and not lost by the databases: {sorted(listed - only_there)}"
    assert only_there - listed <= set(lost["unanswered"]), "lost by the databases, and not listed"
    low, high = lost["rpo"]
    assert 0 < high <= 15 * 60
    assert low <= high


def test_the_recovery_that_loses_is_the_one_that_is_drilled() -> None:
    """The slow test runs the plan of the feature, so it would break if the feature took another."""
    feature = (CHECKOUT / "features/roadcall/primary_outage.feature").read_text()
    assert 'the recovery plan "fail over to us-west-2" is run' in feature
    assert '"fail over to us-west-2"' in DRILL
