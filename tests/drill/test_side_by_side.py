"""``drillbook run -n 2``: drills at the same time, and yet one run: the same verdicts, one report, nothing left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from xml.etree import ElementTree

import pytest

from drillbook import side_by_side
from drillbook.journal_file import count_open
from drillbook.report.verify import verify

from .repository import Repository

pytestmark = pytest.mark.slow

PAUSE = "      - name: think about it\n        run: [sleep, '20']\n        budget: 30 s\n"
FIRST_STEP = "      - name: put the last backup in place"


@pytest.fixture
def notes(notes: Repository) -> Repository:
    """Two drills of a service whose world is shared, with the baseline that a backup needs to hold the first notes."""
    notes.edit({"hold: 500 ms": "hold: 2 s"})
    feature = notes.root / "features" / "notes-http" / "store_lost.feature"
    text = feature.read_text()
    scenario = text[text.index("  Scenario:") :]
    feature.write_text(text + "\n" + scenario.replace("The server and its store are lost", "It happens again"))
    return notes


def open_changes(root: Path) -> int:
    return sum(count_open(path) for path in side_by_side.journals(root))


def test_drills_of_a_shared_world_run_one_after_another_and_make_one_report(notes: Repository) -> None:
    done, results = notes.drilled("-n", "2")
    assert done.code == 0, done
    assert [(drill["drill"], drill["verdict"]) for drill in results] == [
        ("The server and its store are lost", "PASS"),
        ("It happens again", "PASS"),
    ]
    assert len({line.split()[1] for line in done.errors.splitlines() if "drill: " in line}) == 1, "not one worker"
    told = json.loads((notes.root / "out.json").read_text())["drills"]
    assert told == results
    assert all(verify(notes.latest / drill["evidence"]).root == drill["root"] for drill in results)
    cases = ElementTree.parse(notes.latest / "junit.xml").iter("testcase")
    assert [case.get("name") for case in cases] == [drill["drill"] for drill in results]
    page = (notes.latest / "index.html").read_text()
    assert all(drill["drill"] in page for drill in results)
    assert len((notes.root / "reports" / "trend.jsonl").read_text().splitlines()) == 2
    assert (notes.root / "reports" / "allure-results" / "environment.properties").read_text().startswith("services")
    assert open_changes(notes.root) == 0
    assert notes.processes() == []


def test_a_missed_objective_turns_the_run_red_as_it_does_in_one_process(notes: Repository) -> None:
    alone, _ = notes.drilled("--sabotage", next(iter(_sabotages(notes))))
    beside, results = notes.drilled("-n", "2", "--sabotage", next(iter(_sabotages(notes))))
    assert (alone.code, beside.code) == (1, 1), beside
    assert {drill["verdict"] for drill in results} == {"FAIL"}


def _sabotages(repository: Repository) -> list[str]:
    from drillbook import service as services

    return list(services.load(repository.service_file).sabotages)


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_an_interrupt_heals_the_drills_of_all_workers(notes: Repository, number: Signals) -> None:
    notes.edit({FIRST_STEP: PAUSE + FIRST_STEP})
    run = notes.drill("-n", "2")
    run.until("step: think about it")
    run.interrupt(number)
    done = run.end()
    assert done.code == 130, done
    assert open_changes(notes.root) == 0
    assert notes.processes() == []
    first = notes.results()[0]
    assert (first["verdict"], first["causes"], first["leftovers"]) == ("INVALID", ["interrupted"], 0)


def test_a_killed_worker_leaves_an_invalid_drill_that_heal_mends(notes: Repository) -> None:
    notes.edit({FIRST_STEP: PAUSE + FIRST_STEP})
    run = notes.drill("-n", "2")
    run.until("step: think about it")
    (worker,) = side_by_side.workers(notes.root)
    os.kill(worker.pid, SIGKILL)
    done = run.end()
    assert done.code in (3, 4), done
    first, second = notes.results()
    assert first["verdict"] == second["verdict"] == "INVALID"
    assert "ended before the drill did" in first["causes"][0]
    assert "run: drillbook heal" in second["causes"][0], "a drill started in a broken world"
    assert open_changes(notes.root) > 0
    assert notes.heal().code == 0
    assert open_changes(notes.root) == 0


@pytest.mark.timeout(400)
def test_embedded_drills_have_a_cloud_each_and_the_same_verdicts_as_in_one_process(notes: Repository) -> None:
    Repository(notes.root, "product-lambda").only("function_failure", "table_corruption")
    (notes.root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n')
    command = ("run", "product-lambda", "--root", str(notes.root))
    verdicts = []
    for options in ((), ("-n", "2")):
        process = notes.start(*command, *options)
        out, errors = process.communicate(timeout=180)
        assert process.returncode == 0, out + errors
        verdicts.append([(drill["service"], drill["drill"], drill["verdict"]) for drill in notes.results()])
    assert verdicts[0] == verdicts[1]
    assert len(verdicts[0]) == 2
    state = side_by_side.state_of(notes.root)
    assert sorted(path.parent.name for path in state.glob("workers/*/clouds")) == ["gw0", "gw1"]
    assert len(list(state.glob("worlds/*.world"))) == 1, "a worker made a world of its own"
    assert open_changes(notes.root) == 0
