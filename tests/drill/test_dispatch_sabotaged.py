"""The roadside dispatch's green drills mean something: sabotaged, each goes red, and says why."""

from __future__ import annotations

import pytest

from .red import assert_red
from .repository import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One for all, so that the service stands up once."""
    return Repository(tmp_path_factory.mktemp("dispatch"), "roadcall")


@pytest.mark.parametrize(
    ("sabotage", "cause"),
    [
        ("skipped promotion", "verify the services by their own name"),
        ("skipped DNS", "the service is back in steady state"),
        ("DNS before the services", "verify the services by their own name"),
        ("both regions lost", "us-west-2 cannot take over"),
        ("no replica", "the ledger has no replica in us-west-2"),
        ("replica deleted", "the ledger has no replica in us-west-2"),
        ("backups deleted", "no backup of the last 24 hours"),
        ("table left behind", "table replicas are active"),
        ("split brain", "count what us-east-1 kept to itself"),
        ("skipped switchover", "verify us-east-1 by its own name"),
        ("customers left behind", "the service is back in steady state"),
        ("no room given", "watch the errors fall"),
        ("directory not given back", "vendor matching is whole"),
        ("restored to the present", "validate what was restored"),
        ("the runbook's read-only mode", "the service is back in steady state"),
        ("the runbook's throttle", "Invalid method setting path"),
        ("nothing to restore from", "point-in-time recovery of roadcall-incidents-prod is off"),
        ("skipped cut-over", "look through the API"),
        ("skipped ledger", "validate what was restored"),
        ("mute alarms", "alarms are active"),
        ("vendor missing", "relations lead nowhere"),
        ("nothing corrected", "the service is back in steady state"),
        ("no backups to test", "there is no recovery point of"),
        ("test left behind", "nothing of a test is left"),
    ],
)
def test_a_sabotaged_recovery_fails_and_names_its_cause(repository: Repository, sabotage: str, cause: str) -> None:
    assert_red(repository, sabotage, cause)
