"""A region is lost in a drill on the embedded cloud: recovered from elsewhere, healed at the end, and after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drillbook.clock import SystemClock
from drillbook.embedded import process, slots
from drillbook.embedded.domains import Failures
from drillbook.waiting import wait_for

from .repository import Repository, Run

pytestmark = pytest.mark.slow

SERVICE = """
service: ledger
regions: {primary: eu-west-1, standby: eu-central-1}
targets: {embedded: {}}
objectives: {rto: 1 min, rpo: 1 min}
front_door: {url: "{endpoint}", write: {method: POST, path: /}, read: {method: GET, path: /, version: "$.version"}}
faults: {region lost: {use: region.dark, with: {region: "{region}"}}}
checks:
  primary is dark: {run: ["{python}", "{service_dir}/call.py", "{endpoint}", eu-west-1, "no answer"]}
  standby lives: {run: ["{python}", "{service_dir}/call.py", "{endpoint}", eu-central-1, "200"]}
"""
CALL = """
import http.client, sys, urllib.error, urllib.request
endpoint, region, expected = sys.argv[1:]
headers = {
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
    "Authorization": f"AWS4-HMAC-SHA256 Credential=k/20260101/{region}/dynamodb/aws4_request, Signature=0",
    "Content-Type": "application/x-amz-json-1.0",
}
try:
    with urllib.request.urlopen(urllib.request.Request(endpoint, b"{}", headers), timeout=20) as answer:
        said = str(answer.status)
except (OSError, http.client.HTTPException):
    said = "no answer"
sys.exit(said != expected)
"""
DRILL = """
import pathlib, sys, time
from drillbook.drill import Assignment, Conditions, Drill
from drillbook.journal import Journal, default_path

root, then = pathlib.Path(sys.argv[1]), sys.argv[2]
checks = ("primary is dark", "standby lives")
with Journal(default_path(root)) as journal:
    conditions = Conditions(root, root / "reports", journal)
    drill = Drill(Assignment("the region is lost", "", faults=("region lost",), checks=checks), conditions, "run-1")
    drill.prepare("ledger")
    drill.strike("region lost")
    print("struck", file=sys.stderr, flush=True)
    time.sleep(60 if then == "wait" else 0)
    for check in checks:
        drill.check(check)
    result = drill.close()
    print(result["verdict"], result["leftovers"])
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "repository", "notes-http")
    (repository.root / "drills/ledger").mkdir()
    (repository.root / "drills/ledger/service.yaml").write_text(SERVICE)
    (repository.root / "drills/ledger/call.py").write_text(CALL)
    (repository.root / "lost.py").write_text(DRILL)
    return repository


def drilling(ledger: Repository, then: str) -> Run:
    return Run(ledger.start(str(ledger.root), then, module="lost"))


def test_a_lost_region_is_dark_for_the_drill_and_lit_after_it(ledger: Repository) -> None:
    done = drilling(ledger, "go on").end()
    assert (done.code, done.out) == (0, "PASS 0\n"), done
    assert ledger.open_changes() == 0


def test_a_killed_drill_leaves_a_dark_region_that_heal_brings_back(ledger: Repository) -> None:
    run = drilling(ledger, "wait")
    run.until("struck")
    run.process.kill()
    run.end()
    ((cloud_of, cloud),) = slots.living(ledger.root / ".drillbook")
    assert process.failures(cloud) == Failures(regions=frozenset({"eu-west-1"}))
    healed = ledger.heal()
    assert (healed.code, json.loads(healed.out)["restored"]) == (0, 1), healed
    assert ledger.open_changes() == 0
    wait_for("the end of the cloud", lambda: process.find(cloud_of) is None, timeout=30, clock=SystemClock())
