"""The example service that is not on AWS: what its fault, its heal and its recovery really do to it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from drillbook import service as services
from drillbook import service_actions
from drillbook.clock import SystemClock
from drillbook.events import EventStream, Json
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.runner import Runner
from drillbook.waiting import wait_for
from drillbook.world import World

from .conftest import REPOSITORY

CLOCK = SystemClock()


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[World]:
    """A world in which the notes service runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = World(
        target="local",
        basis=Basis.MEASURED_LOCAL,
        service=services.find(REPOSITORY, "notes-http"),
        clock=CLOCK,
        events=EventStream(CLOCK),
        workdir=tmp_path,
        run_id="run-1",
        values={"python": sys.executable, "workdir": str(tmp_path), "port": str(port)},
    )
    service_actions.stand_up(world)
    yield world
    service_actions.tear_down(world)


def write(world: World, key: str) -> int:
    url = world.values["notes"]
    return urllib3.request("POST", url, json={"id": key, "text": "x"}, retries=False, timeout=5).status


def stored(world: World, where: str = "store") -> set[str]:
    return set(json.loads((Path(world.values["home"]) / where / "notes.json").read_text()))


def log(world: World) -> list[dict[str, Json]]:
    lines = (Path(world.values["home"]) / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def await_backup_of(world: World, key: str) -> None:
    wait_for(f"a backup with {key}", lambda: key in stored(world, "backup"), timeout=10, clock=CLOCK)


def test_an_acknowledged_note_is_in_the_store(notes: World) -> None:
    assert write(notes, "a") == 201
    assert "a" in stored(notes)
    url = notes.values["notes"]
    statuses = [
        urllib3.request("GET", f"{url}/a", retries=False).status,
        urllib3.request("PUT", f"{url}/a", json={"text": "y"}, retries=False).status,
        urllib3.request("DELETE", f"{url}/a", retries=False).status,
        urllib3.request("GET", f"{url}/a", retries=False).status,
        urllib3.request("POST", url, body=b"{", retries=False).status,
    ]
    assert statuses == [200, 200, 204, 404, 400]


def test_the_recovery_brings_back_the_last_backup_and_loses_what_came_after_it(notes: World) -> None:
    write(notes, "early")
    await_backup_of(notes, "early")
    fault = service_actions.build_fault(notes, "server and store lost").fault
    write(notes, "late")
    fault.apply(fault.capture())
    assert fault.observe(None)
    assert service_actions.build_probe(notes, "notes can be listed").read().ok is False
    late_was_backed_up = "late" in stored(notes, "backup")
    result = Runner(CLOCK, notes.events).run(service_actions.build_plan(notes, "restore the backup"))
    assert result.ok, result.failure
    assert service_actions.build_probe(notes, "notes can be listed").read().ok is True
    assert ("early" in stored(notes), "late" in stored(notes)) == (True, late_was_backed_up)
    assert service_actions.build_check(notes, "the first notes are there")().ok is True


def test_healing_puts_everything_back_and_never_over_newer_notes(notes: World) -> None:
    write(notes, "a")
    fault = service_actions.build_fault(notes, "server and store lost").fault
    fault.apply(None)
    fault.restore(None)
    assert fault.restored(None)
    assert "a" in stored(notes)
    write(notes, "b")
    fault.restore(None)
    assert {"a", "b"} <= stored(notes)


def test_a_drill_killed_after_the_fault_is_healed_by_another_process(notes: World, tmp_path: Path) -> None:
    write(notes, "a")
    built = service_actions.build_fault(notes, "server and store lost")
    with Journal(tmp_path / "journal.sqlite3") as journal:
        journal.carry_out(built.fault, factory=built.factory, settings=built.settings, world=notes)
        (entry,) = journal.open_entries()
    bare = World(**{**vars(notes), "values": {}})  # all that the journal keeps is enough
    change = service_actions.rebuild_change(bare, entry.factory, entry.settings)
    change.restore(entry.before)
    assert change.restored(entry.before)
    assert "a" in stored(notes)


def test_a_service_that_was_half_stood_up_is_taken_down_by_another_process(notes: World) -> None:
    known = {name: notes.values[name] for name in ("python", "workdir", "port")}
    service_actions.tear_down(World(**{**vars(notes), "values": known}))
    assert service_actions.build_probe(notes, "notes can be listed").read().value == "connection refused"


def test_without_the_restore_step_the_check_fails(notes: World) -> None:
    fault = service_actions.build_fault(notes, "server and store lost").fault
    fault.apply(None)
    put_in_place, start, *_ = service_actions.build_plan(notes, "restore the backup").steps
    start.act()
    reading = service_actions.build_check(notes, "the first notes are there")()
    assert (reading.ok, reading.value.split(",")[0]) == (False, "20 of 20 first notes are missing or changed")
    assert "backup" in put_in_place.name


def test_the_log_tells_the_outage(notes: World) -> None:
    fault = service_actions.build_fault(notes, "server and store lost").fault
    began = CLOCK.monotonic()
    fault.apply(None)
    struck = CLOCK.monotonic()
    fault.restore(None)
    ended = CLOCK.monotonic()
    events = {line["event"]: line["at"] for line in log(notes)}
    assert began <= events["killing"] <= events["killed"] <= struck <= events["started"] <= events["served"] <= ended


def test_the_server_ends_when_its_directory_is_gone(notes: World) -> None:
    pid = int((Path(notes.values["home"]) / "server.lock").read_text())
    shutil.rmtree(notes.values["home"], ignore_errors=True)
    probe = service_actions.build_probe(notes, "notes can be listed")
    wait_for("the server's end", lambda: probe.read().value == "connection refused", timeout=10, clock=CLOCK)
    wait_for("its process's end", lambda: not _lives(pid), timeout=5, clock=CLOCK)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_measured_interval_contains_the_outage_that_the_services_own_log_shows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for part in ("drills", "features"):
        shutil.copytree(REPOSITORY / part / "notes-http", tmp_path / part / "notes-http")
    file = tmp_path / "drills" / "notes-http" / "service.yaml"
    file.write_text(file.read_text().replace("{workdir}/notes", str(home)))
    drill = _measured(tmp_path)
    lines = [json.loads(line) for line in (home / "log.jsonl").read_text().splitlines()]
    killing = next(line["at"] for line in lines if line["event"] == "killing")
    killed = next(line["at"] for line in lines if line["event"] == "killed")
    served = next(line["at"] for line in lines if line["event"] == "served" and line["at"] > killed)
    assert drill["verdict"] == "PASS", drill["causes"]
    assert drill["rto"]["lo"] <= served - killed
    assert served - killing <= drill["rto"]["hi"]


def _measured(root: Path) -> dict[str, Json]:
    """The drill's result. A machine too busy to measure on says INVALID, and is asked again."""
    cli = "import sys; from drillbook.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", cli, "run", "notes-http", "--root", str(root), "--json", str(root / "out.json")]
    path = os.pathsep.join([str(REPOSITORY / "drills"), str(REPOSITORY / "steps")])
    for _ in range(4):
        shutil.rmtree(root / "home", ignore_errors=True)
        subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": path}, check=False, capture_output=True)
        drill: dict[str, Json] = json.loads((root / "out.json").read_text())["drills"][0]
        if drill["verdict"] != "INVALID":
            break
    return drill
