"""Several faults strike in one drill, and end while it goes on: the service may come back without anybody's help."""

from __future__ import annotations

import pytest

from .repository import Repository

pytestmark = pytest.mark.slow

FAULTS = """
faults:
  server stopped:
    inject:   {run: ["{python}", app/notesctl.py, kill, --dir, "{home}", --port, "{port}"]}
    observe:  {run: ["{python}", app/notesctl.py, is-down, --dir, "{home}", --port, "{port}"]}
    restore:  {run: ["{python}", app/notesctl.py, put-back, --dir, "{home}", --port, "{port}"]}
    touches: ["{home}"]
  alarm raised:
    inject:   {run: [touch, "{workdir}/alarm"]}
    observe:  {run: [test, -e, "{workdir}/alarm"]}
    restore:  {run: [rm, -f, "{workdir}/alarm"]}
    touches: ["{workdir}/alarm"]
"""
STORY = """
Feature: Notes
  Scenario: The server stops and comes back
    Given the service "notes-http"
    And the canary is running
    And the service is in steady state
"""
UNAIDED = f"""{STORY}
    When the fault "alarm raised" strikes
    And the fault "server stopped" strikes
    And 300 ms pass
    And the fault "server stopped" is over
    Then the service is back in steady state
    And nobody had to act
    And the measured RTO is at most 30 seconds
"""


def tell(notes: Repository, story: str) -> None:
    notes.edit({"\nfaults:\n": FAULTS, "max_resources: 1": "max_resources: 2"})
    notes.feature(story)


def test_the_rto_counts_from_the_first_fault_until_the_service_is_back_by_itself(notes: Repository) -> None:
    tell(notes, UNAIDED)
    done, (drill,) = notes.drilled("--rate", "8")
    assert (done.code, drill["verdict"]) == (0, "PASS"), done
    assert drill["rto"]["lo"] > 0.3
    instants = [(event["name"], event.get("fault")) for event in notes.events() if event["kind"] == "instant"]
    struck = [("t_inject", "alarm raised"), ("t_inject", "server stopped"), ("t_lifted", "server stopped")]
    assert [each for each in instants if each[1]] == struck
    assert notes.open_changes() == 0


def test_a_recovery_that_was_run_is_somebody_who_acted(notes: Repository) -> None:
    tell(notes, UNAIDED.replace('And the fault "server stopped" is over', 'And the recovery plan "restore" is run'))
    notes.edit({"  restore the backup:": "  restore:"})
    done, (drill,) = notes.drilled("--rate", "8")
    assert (done.code, drill["verdict"]) == (1, "FAIL"), done
    assert "nobody had to act: the recovery plan 'restore' was run" in done.out + "".join(drill["causes"])


def test_faults_share_one_blast_radius(notes: Repository) -> None:
    tell(notes, UNAIDED)
    notes.edit({"max_resources: 2": "max_resources: 1"})
    done, (drill,) = notes.drilled("--rate", "8")
    assert (done.code, drill["verdict"]) == (3, "INVALID"), done
    assert "the fault touches 2 resources; allowed: 1" in drill["causes"][0]


def test_a_fault_that_is_not_in_place_cannot_be_over(notes: Repository) -> None:
    tell(notes, UNAIDED.replace('And the fault "server stopped" strikes\n', ""))
    done, (drill,) = notes.drilled("--rate", "8")
    assert (done.code, drill["verdict"]) == (2, "INVALID"), done
    assert "the fault 'server stopped' is not in place, so it cannot be over" in drill["causes"][0]
    assert notes.open_changes() == 0
