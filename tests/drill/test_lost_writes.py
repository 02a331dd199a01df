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
FEATURES = {"roadcall": "primary_outage", "product-lambda": "regional_failure"}


@pytest.fixture(params=FEATURES)
def lost(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What each side had of the canary's records when a region was lost, and what the drill reports."""
    repository = Repository(tmp_path / "repository", request.param)
    (repository.root / "losing_drill.py").write_text(DRILL)
    # A database's socket has a path of 107 characters at most, which pytest's own directories leave no room for.
    environment = repository.environment | {"TMPDIR": tempfile.gettempdir()}
    started = repository.start(str(repository.root), request.param, module="losing_drill", env=environment)
    done = Run(started).end(timeout=300)
    assert done.code == 0, done
    yield json.loads(done.out.splitlines()[-1])
    shutil.rmtree(repository.root / "reports", ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_lost_writes_are_those_that_only_the_lost_region_had(lost: dict[str, Any]) -> None:
    """Of what only the lost region had, the canary lists what was acknowledged; the rest had not been answered when the
    region went dark."""
    kept, had = lost["kept"], lost["had"]
    differs = {key for key in kept.keys() | had.keys() if kept.get(key, 0) != had.get(key, 0)}
    only_there = differs - set(lost["written since"])
    listed = set(lost["listed"])
    assert listed, "a failover of asynchronous replication loses something"
    assert listed <= only_there, f"listed, and not lost by the databases: {sorted(listed - only_there)}"
    assert only_there - listed <= set(lost["unanswered"]), "lost by the databases, and not listed"
    low, high = lost["rpo"]
    assert 0 < high <= 15 * 60
    assert low <= high


@pytest.mark.parametrize("service", FEATURES)
def test_the_recovery_that_loses_is_the_one_that_is_drilled(service: str) -> None:
    """The slow test runs the plan of the feature, so it would break if the feature took another."""
    feature = (CHECKOUT / "features" / service / f"{FEATURES[service]}.feature").read_text()
    (plan,) = (line.split('"')[1] for line in feature.splitlines() if "When the recovery plan" in line)
    assert f'"{plan}"' in DRILL
