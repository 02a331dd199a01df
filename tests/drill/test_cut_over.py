"""A planned cut-over is a disruption of its own: how long it kept clients away, and what it lost, are told apart from
the fault's numbers."""

from __future__ import annotations

from typing import Any

import pytest

from .repository import Repository

pytestmark = pytest.mark.slow

STORY = """
Feature: Notes
  Scenario: The way home
    Given the service "notes-http"
    And the canary is running
    And the service is in steady state
    When the fault "server and store lost" strikes
    Then the failure is detected by "notes can be listed" within 10 seconds
    When the recovery plan "restore the backup" is run
    Then the service is back in steady state
    When the planned cut-over "move home" is run
    Then the service is back in steady state
    And the measured RTO is at most 30 seconds
    And at most 5 seconds of writes acknowledged during the outage are lost
    And the cut-over interrupted the service for at most 20 seconds
    And no write acknowledged between the cut-overs is lost
"""
MOVE = """
plans:
  move home:
    steps:
      - name: stop the service
        run: ["{python}", app/notesctl.py, stop, --dir, "{home}", --port, "{port}"]
      - name: leave something behind
        run: ["{python}", -c, "%s"]
      - name: start it elsewhere
        run: ["{python}", app/notesctl.py, start, --dir, "{home}", --port, "{port}"]
"""
NOTHING = "pass"
FIVE_NOTES = (
    "import json, pathlib; store = pathlib.Path('{home}/store/notes.json'); notes = json.loads(store.read_text()); "
    "store.write_text(json.dumps(dict(list(notes.items())[:-5])))"
)


def move(notes: Repository, what: str) -> tuple[int, dict[str, Any]]:
    notes.edit({"\nplans:\n": MOVE % what})
    notes.feature(STORY)
    done, (drill,) = notes.drilled("--rate", "8")
    return done.code, drill


def test_a_cut_over_that_leaves_nothing_behind_has_an_interruption_and_no_loss(notes: Repository) -> None:
    code, drill = move(notes, NOTHING)
    assert (code, drill["verdict"]) == (0, "PASS"), drill["causes"]
    cut = drill["cut_over"]
    assert 0 < cut["interruption"]["lo"] < cut["interruption"]["hi"] <= cut["interruption"]["objective"] == 20
    assert (cut["lost"]["lo"], cut["lost"]["hi"], cut["lost"]["objective"]) == (0, 0, 0)
    assert cut["acknowledged"] > 0
    assert drill["rto"]["hi"] < cut["began"] - drill["rto"]["instants"]["impact"]


def test_what_the_cut_over_left_behind_is_its_loss_and_not_the_faults(notes: Repository) -> None:
    code, drill = move(notes, FIVE_NOTES)
    assert (code, drill["verdict"]) == (1, "FAIL"), drill["causes"]
    verdicts = {each["kind"]: each["verdict"] for each in drill["objectives"]}
    assert verdicts["writes lost between the cut-overs"] == "FAIL"
    assert verdicts["loss during the outage"] == "PASS"
    assert drill["cut_over"]["lost"]["lo"] > 0
