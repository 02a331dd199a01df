"""A repository of one small service, and the command line called in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from drillbook.cli.main import main

SERVICE = """\
service: notes
title: Notes
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
sabotages:
  not started: {fault: crash, skip: start it}
"""
FEATURE = """\
@runbook:007
Feature: Notes come back

  Scenario: The server dies
    Given the service "notes"
    When the fault "crash" strikes
    Then the measured RTO is at most 5 minutes
"""


@dataclass
class Said:
    """What one call answered."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error."""
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return self.err.strip()


Call = Callable[..., Said]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.delenv("DRILLBOOK_CHECKOUT", raising=False)
    monkeypatch.delenv("DRILLBOOK_DEBUG", raising=False)

    def call(*words: str) -> Said:
        code = main(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "drills" / "notes").mkdir(parents=True)
    (tmp_path / "drills" / "notes" / "service.yaml").write_text(SERVICE)
    (tmp_path / "features" / "notes").mkdir(parents=True)
    (tmp_path / "features" / "notes" / "server.feature").write_text(FEATURE)
    (tmp_path / "features" / "notes" / "test_features.py").write_text(
        'from pytest_bdd import scenarios\n\nscenarios(".")\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path
