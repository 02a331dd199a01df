"""Ctrl-C and SIGTERM, at any time: the drill heals, says that it was interrupted, and claims nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
from typing import Any

import pytest

from drillbook.clock import SystemClock

from .repository import Repository, Run

INTERRUPTED = 130
PYTEST_INTERRUPTED = 2
BASELINE, STRUCK, RECOVERING = "baseline", "the fault is in effect", "step: think about it"
STAGES = (BASELINE, STRUCK, RECOVERING)


@pytest.fixture
def thoughtful(notes: Repository) -> Repository:
    """Its operators think for a while before they recover anything: time enough to be interrupted."""
    first = "      - name: put the last backup in place"
    pause = "      - name: think about it\n        run: [sleep, '20']\n        budget: 30 s\n"
    notes.edit({first: pause + first})
    return notes


def assert_nothing_is_left(repository: Repository) -> None:
    assert repository.open_changes() == 0
    assert repository.processes() == []
    assert repository.work_directories() == []


def assert_told_as_interrupted(repository: Repository) -> None:
    (drill,) = repository.results()
    verdict = json.loads((repository.latest / drill["evidence"] / "verdict.json").read_text())
    for told in (drill, verdict):
        assert (told["verdict"], told["causes"]) == ("INVALID", ["interrupted"])
        assert told["leftovers"] == 0


def allure_statuses(results: Path) -> list[str]:
    told: list[dict[str, Any]] = [json.loads(path.read_text()) for path in results.glob("*-result.json")]
    return [each["status"] for each in told]


def interrupted(run: Run, at: str, number: Signals) -> Run:
    run.until(at)
    run.interrupt(number)
    return run


def test_ctrl_c_in_a_recovery_step_heals_and_a_second_one_does_not_stop_the_healing(thoughtful: Repository) -> None:
    run = interrupted(thoughtful.drill(), RECOVERING, SIGINT)
    run.until("heal")
    run.interrupt(SIGINT)
    done = run.end()
    assert done.code == INTERRUPTED, done
    assert "interrupted; healing first" in done.errors
    assert_nothing_is_left(thoughtful)
    assert_told_as_interrupted(thoughtful)
    assert allure_statuses(thoughtful.root / "reports" / "allure-results") == ["broken"]


@pytest.mark.slow
def test_an_interrupt_is_one_although_a_hook_fails_on_the_way_out(thoughtful: Repository) -> None:
    hook = "def pytest_bdd_after_scenario():\n    raise RuntimeError('the pager is not plugged in')\n"
    (thoughtful.root / "features" / "notes-http" / "conftest.py").write_text(hook)
    done = interrupted(thoughtful.drill(), RECOVERING, SIGINT).end()
    assert done.code == INTERRUPTED, done
    assert_nothing_is_left(thoughtful)
    assert_told_as_interrupted(thoughtful)


@pytest.mark.slow
def test_a_sigterm_to_plain_pytest_after_the_fault_heals(thoughtful: Repository) -> None:
    run = interrupted(thoughtful.pytest("--alluredir=allure"), STRUCK, SIGTERM)
    done = run.end()
    assert done.code == PYTEST_INTERRUPTED, done
    assert_nothing_is_left(thoughtful)
    assert_told_as_interrupted(thoughtful)
    assert allure_statuses(thoughtful.root / "allure") == ["broken"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_a_signal_in_any_stage_heals(thoughtful: Repository, stage: str, number: Signals) -> None:
    done = interrupted(thoughtful.drill(), stage, number).end()
    assert done.code == INTERRUPTED, done
    assert_nothing_is_left(thoughtful)
    assert_told_as_interrupted(thoughtful)
    assert allure_statuses(thoughtful.root / "reports" / "allure-results") == ["broken"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_signal_at_any_instant_leaves_nothing_open(notes: Repository) -> None:
    chance, clock = random.Random(6), SystemClock()
    began = clock.monotonic()
    notes.drilled()
    takes = clock.monotonic() - began
    for _ in range(20):
        run = notes.drill()
        clock.sleep(chance.uniform(0, takes))
        run.interrupt(chance.choice([SIGINT, SIGTERM]))
        done = run.end()
        assert notes.open_changes() == 0, done
        assert notes.processes() == [], done
