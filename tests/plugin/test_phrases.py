"""Sentences and what they say about a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_bdd.parser import FeatureParser

from drillbook.objective import Objective, ObjectiveKind
from drillbook_steps.outline import Outline, outline
from drillbook_steps.phrases import sentence


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500 ms", 0.5),
        ("20 minutes", 1200.0),
        ("1 hour", 3600.0),
        ("1 hour 30 minutes", 5400.0),
        ("1 h and 30 min", 5400.0),
        ("1:30:00", 5400.0),
        ("1.5 s", 1.5),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    parser = sentence("wait {pause:Duration} for it")
    assert parser.is_matching(f"wait {text} for it")
    assert parser.parse_arguments(f"wait {text} for it") == {"pause": seconds}


def test_shares_and_regions_are_typed() -> None:
    parser = sentence("{share:Share} of {region:Region}")
    assert parser.parse_arguments("99.5 % of us-gov-west-1") == {"share": 0.995, "region": "us-gov-west-1"}
    assert not sentence("in {region:Region}").is_matching("in Frankfurt")


FEATURE = """
Feature: F
  Background:
    Given the service "shop" in region "eu-west-1"
  Scenario Outline: S
    When the fault "crash" strikes
    Then the failure is detected by "alarm" within 2 minutes
    When the recovery plan "restart" is run
    Then the measured RTO is at most <limit>
    And no acknowledged write is lost
    Examples:
      | limit     |
      | 5 minutes |
"""


def test_an_outline_tells_what_a_scenario_is_about_before_it_runs(tmp_path: Path) -> None:
    (tmp_path / "f.feature").write_text(FEATURE)
    template = FeatureParser(str(tmp_path), "f.feature").parse().scenarios["S"]
    assert outline(template.render({"limit": "5 minutes"}), "f.feature") == Outline(
        service="shop",
        faults=("crash",),
        detections=(("alarm", 120.0),),
        plans=("restart",),
        objectives=(
            Objective(ObjectiveKind.RTO, 300.0, "f.feature"),
            Objective(ObjectiveKind.LOST, 0.0, "f.feature"),
        ),
    )
