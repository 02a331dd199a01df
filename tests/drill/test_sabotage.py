"""The product catalogue's green drills mean something: with its recovery sabotaged each goes red, and says why."""

from __future__ import annotations

from typing import Any

import pytest

from drillbook.report import results

from .red import assert_red
from .repository import Repository, Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

Result = dict[str, Any]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The product catalogue as it is, but that a step which waits in vain gives up soon."""
    repository = Repository(tmp_path_factory.mktemp("repository") / "catalogue", "product-lambda")
    for plans in ("recovery", "api_recovery", "failover", "rebuild", "rehearsal"):
        patient = "lambda: None, Phase.VERIFY, budget="
        repository.edit({f"{patient}30": f"{patient}3"}, f"drills/product-lambda/{plans}.py")
    return repository


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("wrong instant", "verify contents"),
        ("wrong table", "products are intact"),
        ("skipped repoint", "check through the API"),
        ("wiped variables", "functions have their settings"),
        ("skipped rollback", "check through the API"),
        ("the runbook's deployment", "check the new deployment"),
        ("skipped DNS", "check through the API"),
        ("skipped deployment", "ask the standby itself"),
        ("no replica", "there is no replica of products"),
        ("both regions dark", "look at the standby's table"),
        ("no snapshot", "there is no recovery point"),
        ("forgotten settings", "replicate again"),
        ("snapshots deleted", "there is no recovery point"),
        ("worthless snapshot", "compare it with the products"),
        ("recovery to the second off", "point-in-time recovery of products"),
        ("standby without a table", "there is no replica of products"),
        ("standby left standing", "the standby is gone again"),
        ("incident not filed", "the incident is filed"),
    ],
)
def test_a_sabotaged_recovery_fails_and_names_its_cause(catalogue: Repository, name: str, cause: str) -> None:
    assert_red(catalogue, name, cause)


def test_a_drill_whose_canary_is_dead_claims_nothing(catalogue: Repository) -> None:
    done, (drill,) = catalogue.drilled("--sabotage", "dead canary", "--drill", "Function failure")
    assert done.code == 1, done
    assert drill["verdict"] == "INVALID"
    assert "canary" in " ".join(drill["causes"])


@pytest.mark.parametrize("name", ["Function failure", "Table corruption"])
def test_left_alone_a_drill_passes_and_its_evidence_holds(catalogue: Repository, name: str) -> None:
    done, (drill,) = catalogue.drilled("--drill", name)
    assert done.code == 0, done
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
