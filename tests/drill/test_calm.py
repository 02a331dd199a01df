"""Drills that break nothing: a backup is checked, readiness is shown. With a canary or without one."""

from __future__ import annotations

from typing import Any

import pytest

from .repository import Done, Repository, Run

STORY = """
Feature: Notes
  Scenario: The backup can be restored
    Given the service "notes-http"
    When the recovery plan "look at the backup" is run
    And the recovery plan "look at the backup" is run
    Then the recovery plan "look at the backup" took at most 1 minute
    And the check "the first notes are there" holds

  Scenario: Another one
    Given the service "notes-http"
    Then the check "the first notes are there" holds
"""
WATCHED = """
Feature: Notes
  Scenario: All is well
    Given the service "notes-http"
    And the canary is running
    And the service is in steady state
    When 3 seconds pass
    Then the P95 latency after recovery is at most 2 seconds
    And at least 90 % of all requests are answered well
    And no acknowledged write is lost
"""
PLAN = """
plans:
  look at the backup:
    steps:
      - {name: find it, run: ["true"]}
      - {name: tell the owner, manual: "Call the owner."}
"""
SABOTAGES = """
sabotages:
  a note is missing: {drill: "The backup can be restored", before: "sabotage.py:lose_a_note"}
  never found:       {drill: "The backup can be restored", skip: found it}
"""
CODE = """
import urllib.request


def lose_a_note(world):
    url = world.fill("http://127.0.0.1:{port}/notes/first-1")
    urllib.request.build_opener().open(urllib.request.Request(url, method="DELETE"), timeout=5)
"""


@pytest.fixture
def calm(notes: Repository) -> Repository:
    notes.edit({"\nplans:\n": PLAN, "\nsabotages:\n": SABOTAGES})
    (notes.service_file.parent / "sabotage.py").write_text(CODE)
    notes.feature(STORY)
    return notes


def drilled(notes: Repository, *options: str) -> tuple[Done, dict[str, Any]]:
    done, drills = notes.drilled("--drill", "The backup", *options)
    (drill,) = drills
    return done, drill


def test_checks_and_the_length_of_a_plan_are_a_verdict_that_can_be_verified(calm: Repository) -> None:
    done, drill = drilled(calm)
    assert (done.code, drill["verdict"], drill["causes"]) == (0, "PASS", []), done
    assert drill["rto"] is None
    ended = [event for event in calm.events() if event["kind"] == "step ended"]
    assert [event["outcome"] for event in ended] == ["done"] * 4, "the second time, too"
    assert [event["acknowledged"] for event in ended] == ["", "automatically"] * 2
    verified = Run(calm.start("verify", str(calm.latest / drill["evidence"]))).end()
    assert verified.code == 0, verified
    assert "its checks allow the verdict: PASS" in verified.out


@pytest.mark.slow
def test_what_was_taken_away_before_the_drill_turns_it_red(calm: Repository) -> None:
    done, drills = calm.drilled("--sabotage", "a note is missing")
    assert [drill["drill"] for drill in drills] == ["The backup can be restored"], "the other is not concerned"
    assert (done.code, drills[0]["verdict"]) == (1, "FAIL"), done
    assert "1 of 20 first notes are missing or changed" in " ".join(drills[0]["causes"])


@pytest.mark.slow
def test_a_sabotage_of_a_step_that_no_plan_has_is_a_mistake(calm: Repository) -> None:
    done, drill = drilled(calm, "--sabotage", "never found")
    assert (done.code, drill["verdict"]) == (2, "INVALID"), done
    assert "has no step 'found it'" in drill["causes"][0]


@pytest.mark.slow
def test_a_plan_that_took_longer_than_allowed_fails(calm: Repository) -> None:
    calm.feature(STORY.replace("took at most 1 minute", "took at most 1 ms"))
    done, drill = drilled(calm)
    assert (done.code, drill["verdict"]) == (1, "FAIL"), done
    assert "took at most 1 ms" in drill["causes"][0]


@pytest.mark.slow
def test_a_canary_is_judged_without_a_fault_too(notes: Repository) -> None:
    notes.feature(WATCHED)
    done, (drill,) = notes.drilled("--rate", "8")
    assert (done.code, drill["verdict"]) == (0, "PASS"), done
    assert (drill["rto"]["state"], drill["phases"], drill["lost"]) == ("no-fault", {}, 0)
    assert {each["kind"] for each in drill["objectives"]} == {"P95 latency after recovery", "lost writes"}
    verified = Run(notes.start("verify", str(notes.latest / drill["evidence"]))).end()
    assert verified.code == 0, verified
