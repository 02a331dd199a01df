"""Small consumer repositories for pytester: a service of this machine, drilled in a second or two."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FEATURE = """
Feature: Notes come back

  Scenario: {name}
    Given the service "notes-http"
    And the canary makes 50 requests a second
    And the service is in steady state
    When the fault "server and store lost" strikes
    Then the failure is detected by "notes can be listed" within 10 seconds
    When the recovery plan "restore the backup" is run
    Then the service is back in steady state
    And the measured RTO is at most 30 seconds
    And at most 5 seconds of writes acknowledged during the outage are lost
"""


@pytest.fixture
def consumer(pytester: pytest.Pytester) -> pytest.Pytester:
    """A repository with the notes service and one quick feature."""
    shutil.copytree(REPOSITORY / "drills" / "notes-http", pytester.path / "drills" / "notes-http")
    service = pytester.path / "drills" / "notes-http" / "service.yaml"
    quick = service.read_text().replace("hold: 2 s", "hold: 500 ms").replace("budget: 5 s", "budget: 1 s")
    service.write_text(quick)
    folder = pytester.path / "features"
    folder.mkdir()
    (folder / "notes.feature").write_text(FEATURE.format(name="Store lost"))
    (folder / "test_features.py").write_text('from pytest_bdd import scenarios\nscenarios(".")\n')
    return pytester


@pytest.fixture
def drilled(consumer: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Runs the consumer's features in a process of its own, as its user would."""
    fixed = ("features", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-q")
    return lambda *options: consumer.runpytest_subprocess(*fixed, *options, timeout=60)
