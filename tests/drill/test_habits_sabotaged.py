"""The habit tracker's drills, sabotaged, go red and say why; left alone, they tell what was lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .red import assert_red
from .repository import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LONG = 400.0


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One for all, so that the service stands up once."""
    return Repository(tmp_path_factory.mktemp("habits"), "apprentice")


@pytest.mark.parametrize(
    ("sabotage", "cause"),
    [
        ("no reader", "the service is back in steady state"),
        ("no copy", "there is no recovery point of"),
        ("no instance", "a healthy API in us-west-2"),
        ("both regions lost", "us-west-2 is down, too"),
        ("wrong instant", "unsound habits"),
        ("parameter left alone", "validate as a customer"),
        ("wiped variables", "validate as a customer"),
        ("no backup from before", "there is no recovery point of"),
        ("writes go on", "records differ between us-west-2 and home"),
        ("old database not fenced", "see for an hour that only home takes writes"),
        ("snapshot not copied", "restore it at home"),
        ("nobody comes home", "validate as a customer"),
        ("no backup to validate", "there is no recovery point of"),
        ("test without an instance", "compare its records with production"),
        ("test cluster left behind", "nothing of the test is left"),
    ],
)
def test_a_sabotaged_recovery_fails_and_names_its_cause(repository: Repository, sabotage: str, cause: str) -> None:
    assert_red(repository, sabotage, cause)


def test_what_the_way_home_finds_at_home_alone_is_what_the_canary_lost(repository: Repository) -> None:
    """The failover loses what was written since the last copied backup; the old database at home still has it."""
    done, (drill,) = repository.drilled("--drill", "Rollback", timeout=LONG)
    assert (done.code, drill["verdict"]) == (0, "PASS"), done
    (lost,) = [verdict(path) for path in repository.latest.glob("*/verdict.json")]
    there = {key for event in repository.events() for key in event.get("keys", [])}
    inserted = {each["key"] for each in lost["loss"]["examples"] if each["label"] == "lost"}
    assert inserted, "a restore from the last backup loses something"
    assert inserted <= there
    assert drill["cut_over"]["lost"]["hi"] == 0
    assert 0 < drill["cut_over"]["interruption"]["lo"] <= drill["cut_over"]["interruption"]["hi"] <= 3 * 3600


def verdict(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found
