"""What a drill comes to when its own sentences break, when they find something, and when the target cannot do it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from .repository import QUIET, Repository, Run

pytestmark = pytest.mark.slow

STEPS = "features/notes-http/conftest.py"
IN_EFFECT = "    Then the failure is detected by"


def with_sentence(notes: Repository, code: str) -> None:
    """A sentence of the consumer's own, right after the fault."""
    (feature,) = (notes.root / "features" / "notes-http").glob("*.feature")
    notes.edit({IN_EFFECT: f"    Then the pager rings\n{IN_EFFECT}"}, str(feature.relative_to(notes.root)))
    body = f"from pytest_bdd import then\n\n@then('the pager rings')\ndef ring(drill):\n    {code}\n"
    (notes.root / STEPS).write_text(body)


def test_a_sentence_that_breaks_says_nothing_about_the_service(notes: Repository) -> None:
    with_sentence(notes, "raise RuntimeError('the pager is not plugged in')")
    done, (drill,) = notes.drilled()
    assert (done.code, drill["verdict"]) == (4, "INVALID"), done
    assert drill["causes"][0] == "the pager is not plugged in"
    assert notes.open_changes() == 0


def test_a_sentence_that_does_not_hold_is_a_finding(notes: Repository) -> None:
    with_sentence(notes, "assert drill is None, 'nobody was called'")
    done, (drill,) = notes.drilled()
    assert (done.code, drill["verdict"]) == (1, "FAIL"), done
    assert any("nobody was called" in cause for cause in drill["causes"])
    assert notes.open_changes() == 0


def test_a_judge_that_crashes_does_not_keep_the_drill_from_healing(notes: Repository) -> None:
    (notes.root / STEPS).write_text("from drillbook.measure import judge\n\njudge.judge = lambda *_: 1 / 0\n")
    done = notes.drill().end()
    assert done.code == 4, done
    assert notes.open_changes() == 0


@pytest.fixture
def mock() -> Iterator[str]:
    """An endpoint that keeps records of APIs, and answers no request to one."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


PRETENDING = """
service: ledger
regions: {{primary: eu-west-1}}
targets: {{localstack: {{endpoint: "{endpoint}"}}}}
objectives: {{rto: 1 min, rpo: 1 min}}
needs: [apigateway.front_door]
front_door:
  url: "{endpoint}"
  write: {{method: POST, path: /}}
  read: {{method: GET, path: /, version: "$.version"}}
plans: {{do nothing: {{steps: [{{name: nothing, run: ["true"]}}]}}}}
"""
IMPATIENT = "from drillbook.targets import truth_serverless\ntruth_serverless._READY = 1.0\n"
"""How long the probe waits for an answer that never comes."""
PROMISE = """
Feature: The ledger comes back
  Scenario: Nothing is lost
    Given the service "ledger"
    When the recovery plan "do nothing" is run
    Then the recovery plan "do nothing" took at most 1 minute
"""


def test_what_the_target_cannot_do_is_not_simulated(notes: Repository, mock: str) -> None:
    for folder in ("drills", "features"):
        (notes.root / folder / "ledger").mkdir()
    (notes.root / "drills/ledger/service.yaml").write_text(PRETENDING.format(endpoint=mock))
    (notes.root / "features/ledger/ledger.feature").write_text(PROMISE)
    (notes.root / "features/ledger/test_features.py").write_text("from pytest_bdd import scenarios\nscenarios('.')\n")
    (notes.root / "features/ledger/conftest.py").write_text(IMPATIENT)
    words = ("features/ledger", f"--rootdir={notes.root}", "--drillbook-json=out.json", *QUIET)
    done = Run(notes.start(*words, module="pytest")).end()
    (drill,) = json.loads((notes.root / "out.json").read_text())["drills"]
    assert (done.code, drill["verdict"]) == (1, "NOT SIMULATED"), done
    assert "1 skipped" in done.out


CHECKED = """
service: ledger
regions: {primary: eu-west-1}
targets: {embedded: {}}
objectives: {rto: 1 min, rpo: 1 min}
front_door: {url: "{endpoint}", write: {method: POST, path: /}, read: {method: GET, path: /, version: "$.version"}}
checks: {all is well: {run: ["true"]}}
plans: {call the cloud: {steps: [{name: call, run: ["{python}", "{service_dir}/call.py", "{endpoint}"]}]}}
"""
CALL = """
import sys, urllib.error, urllib.request
scope = "Credential=k/20260101/eu-west-1/dynamodb/aws4_request"
headers = {
    "X-Amz-Target": "DynamoDB_20120810.OPERATION",
    "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
    "Content-Type": "application/x-amz-json-1.0",
}
try:
    urllib.request.urlopen(urllib.request.Request(sys.argv[1], b"{}", headers))
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.mark.parametrize(
    ("operation", "code", "verdict"), [("ListContributorInsights", 1, "INVALID"), ("ListTables", 0, "PASS")]
)
def test_a_cloud_that_fails_by_itself_says_nothing_about_the_service(
    notes: Repository, operation: str, code: int, verdict: str
) -> None:
    for folder in ("drills", "features"):
        (notes.root / folder / "ledger").mkdir()
    (notes.root / "drills/ledger/service.yaml").write_text(CHECKED)
    (notes.root / "drills/ledger/call.py").write_text(CALL.replace("OPERATION", operation))
    promise = PROMISE.replace("do nothing", "call the cloud") + '    Then the check "all is well" holds\n'
    (notes.root / "features/ledger/ledger.feature").write_text(promise)
    (notes.root / "features/ledger/test_features.py").write_text("from pytest_bdd import scenarios\nscenarios('.')\n")
    done = Run(notes.start("run", "ledger", "--root", str(notes.root))).end()
    (drill,) = notes.results()
    assert (done.code, drill["verdict"]) == (code, verdict), done
    assert bool(drill["causes"]) == (verdict == "INVALID")
    assert all("cloud itself failed: NotImplementedError" in cause for cause in drill["causes"])


def test_a_target_that_is_not_there_leaves_nothing_behind(notes: Repository) -> None:
    notes.edit({"targets:\n": "targets:\n  localstack: {endpoint: 'http://127.0.0.1:9'}\n"})
    done, (drill,) = notes.drilled("--target", "localstack")
    assert (done.code, drill["verdict"]) == (4, "INVALID"), done
    assert list(notes.tmp.glob("drillbook-*")) == []
