"""A green drill means something: with its recovery sabotaged it goes red, and says why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from drillbook.embedded import process
from drillbook.report import results

from .repository import Repository, Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

Result = dict[str, Any]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """The product catalogue as it is, but that a step which waits in vain gives up soon."""
    repository = Repository(tmp_path_factory.mktemp("repository") / "catalogue", "product-lambda")
    wait = 'Step("check through the API", lambda: None, Phase.VERIFY, budget='
    repository.edit({f"{wait}{given}": f"{wait}3" for given in (30, 60)}, "drills/product-lambda/recovery.py")
    state = repository.root / ".drillbook"
    cloud = process.start(state, owner=os.getpid(), journal=state / "journal.sqlite3")
    yield repository
    process.stop(cloud)


@pytest.mark.parametrize(
    ("sabotage", "cause"),
    [
        ("wrong instant", "verify contents"),
        ("wrong table", "products are intact"),
        ("skipped repoint", "check through the API"),
        ("skipped rollback", "check through the API"),
    ],
)
def test_a_sabotaged_recovery_fails_and_names_its_cause(catalogue: Repository, sabotage: str, cause: str) -> None:
    done, (drill,) = catalogue.drilled("--sabotage", sabotage)
    assert (done.code, drill["verdict"]) == (1, "FAIL"), done
    assert cause in " ".join(drill["causes"])
    assert drill["leftovers"] == 0
    assert catalogue.open_changes() == 0


def test_a_drill_whose_canary_is_dead_claims_nothing(catalogue: Repository) -> None:
    done, drills = catalogue.drilled("--sabotage", "dead canary")
    assert done.code == 1, done
    assert drills
    for drill in drills:
        assert drill["verdict"] == "INVALID"
        assert "canary" in " ".join(drill["causes"])


def test_left_alone_both_drills_pass_and_their_evidence_holds(catalogue: Repository) -> None:
    done, drills = catalogue.drilled()
    assert (done.code, len(drills)) == (0, 2), done
    for drill in drills:
        assert_tells_all(drill)
        verified = Run(catalogue.start("verify", str(catalogue.latest / drill["evidence"]))).end()
        assert verified.code == 0, verified


def assert_tells_all(drill: Result) -> None:
    assert {*results.KEYS, "evidence"} <= drill.keys()
    assert (drill["service"], drill["target"], drill["verdict"]) == ("product-lambda", "embedded", "PASS")
    for kind, allowed in (("rto", {300.0, 1200.0}), ("rpo", {3600.0})):
        told = drill[kind]
        assert told["basis"] == "emulated"
        assert all(isinstance(told[bound], float) for bound in ("lo", "hi", "objective"))
        assert 0 <= told["lo"] < told["hi"] < told["objective"]
        assert told["objective"] in allowed
    assert all(isinstance(seconds, float) for seconds in drill["phases"].values())
    assert {objective["verdict"] for objective in drill["objectives"]} == {"PASS"}
    assert drill["leftovers"] == 0
    assert drill["causes"] == []
