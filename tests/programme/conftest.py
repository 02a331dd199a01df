"""A repository with one service of two drills, its programmes, and evidence as drills leave it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from drillbook.cli.main import main
from drillbook.clock import utc_text
from drillbook.report import manifest

SERVICE = """\
service: notes
targets:
  local: {values: {url: "http://127.0.0.1:9"}}
objectives: {rto: 5 min, rpo: 15 min}
front_door:
  url: "{url}"
  write: {method: POST, path: /notes, json: {id: "{key}", text: "v{version}"}, ok: [201]}
  read: {method: GET, path: "/notes/{key}", version: $.text, pattern: 'v(\\d+)'}
faults:
  crash:
    inject: {run: ["true"]}
    observe: {run: ["true"]}
    restore: {run: ["true"]}
plans:
  bring back:
    steps: [{name: start it, run: ["true"], budget: 1 min}]
"""
FEATURE = """\
@runbook:007
Feature: Notes come back

  @quick
  Scenario: The server dies
    Given the service "notes"
    When the fault "crash" strikes
    Then the measured RTO is at most 5 minutes

  Scenario: The disk is full
    Given the service "notes"
    When the fault "crash" strikes
    Then the measured RTO is at most 5 minutes
"""
PROGRAMMES = """\
programmes:
  weekly:
    title: Quick ones
    owner: on-call engineer
    every: 7 d
    grace: 2 d
    drills:
      - {service: notes, tag: quick}
  ci:
    calendar: "30 5 * * *"
    drills:
      - {service: notes}
"""

Outing = Callable[..., Path]
Said = tuple[int, str, str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "drills/notes/service.yaml": SERVICE,
        "drills/programmes.yaml": PROGRAMMES,
        "features/notes/notes.feature": FEATURE,
        "features/notes/test_features.py": 'from pytest_bdd import scenarios\nscenarios(".")\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRILLBOOK_CHECKOUT", raising=False)
    return tmp_path


@pytest.fixture
def written(root: Path) -> Callable[[str], Path]:
    """Other programmes in the repository."""

    def write(text: str) -> Path:
        (root / "drills" / "programmes.yaml").write_text(text)
        return root

    return write


@pytest.fixture
def outing(root: Path) -> Outing:
    """Evidence of a drill that ended at a moment."""

    def make(ended: datetime, verdict: str = "PASS", drill: str = "The server dies", **more: str) -> Path:
        number = len(list((root / "reports").glob("*"))) if (root / "reports").exists() else 0
        folder = root / "reports" / f"run-{number}" / "drill"
        folder.mkdir(parents=True)
        about = {"service": "notes", "drill": drill, "target": "local", "run_id": f"run-{number}-0", "sabotage": ""}
        (folder / "drill.json").write_text(json.dumps(about | more))
        (folder / "verdict.json").write_text(json.dumps({"verdict": verdict}))
        (folder / "events.jsonl").write_text(json.dumps({"kind": "ended", "utc": utc_text(ended)}) + "\n")
        manifest.write(folder)
        return folder

    return make


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def call(*words: str) -> Said:
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
