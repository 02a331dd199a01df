from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook import journal as journal_module
from drillbook.clock import VirtualClock
from drillbook.errors import JournalError, PermanentError, Refused
from drillbook.events import EventKind
from drillbook.journal import Journal, State
from drillbook.journal_file import count_open
from drillbook.journal_records import Moment
from drillbook.recovery import Outcome, Phase, StepResult
from drillbook.world import World

from .conftest import SetValue

PRELUDE = """
import sys
from pathlib import Path
from drillbook.clock import SystemClock
from drillbook.journal import Journal
"""


def carry_out(journal: Journal, change: SetValue, world: World) -> journal_module.Entry:
    return journal.carry_out(change, factory="tests:SetValue", settings={"key": change.key}, world=world)


def another_process_begins(path: Path, run_id: str, *, target: str = "local", then: str = "") -> subprocess.Popen[str]:
    code = (
        f"{PRELUDE}j = Journal(Path(sys.argv[1]))\n"
        f"j.begin({run_id!r}, service_file='x', target={{'name': {target!r}}}, clock=SystemClock())\n"
        f"print('begun', flush=True)\n{then}"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def test_a_change_is_on_the_disk_before_it_is_applied(journal: Journal, path: Path, world: World) -> None:
    seen: list[tuple[State, Any]] = []

    class Looks(SetValue):
        def apply(self, before: Any) -> None:
            with Journal(path) as other:
                (entry,) = other.open_entries()
            seen.append((entry.state, entry.before))
            super().apply(before)

    values = {"colour": "red"}
    entry = carry_out(journal, Looks(values), world)
    assert seen == [(State.INTENT, "red")]
    assert values == {"colour": "grey"}
    assert entry.state is State.APPLIED
    assert [open_entry.state for open_entry in journal.open_entries()] == [State.APPLIED]


def test_an_entry_says_all_that_another_process_needs(journal: Journal, world: World) -> None:
    carry_out(journal, SetValue({"colour": "red"}), world)
    (entry,) = journal.open_entries()
    assert entry.run_id == "run-1"
    assert Path(entry.service_file) == world.service.path
    assert entry.target == {"target": "local"}
    assert (entry.factory, entry.settings) == ("tests:SetValue", {"key": "colour"})
    assert (entry.touches, entry.settle, entry.what) == (("colour",), 2.0, "set colour to grey")
    assert entry.at == world.clock.now()


def test_a_change_that_fails_stays_open_and_says_since_when_it_is_quiet(
    journal: Journal, world: World, clock: VirtualClock
) -> None:
    class Fails(SetValue):
        def apply(self, before: Any) -> None:
            clock.sleep(5)
            raise PermanentError("no")

    with pytest.raises(PermanentError):
        carry_out(journal, Fails({}), world)
    (entry,) = journal.open_entries()
    assert entry.state is State.INTENT
    clock.sleep(3)
    assert entry.quiet is not None
    assert entry.quiet.age(clock) == pytest.approx(3.0)


def test_an_interrupted_change_stays_open_too(journal: Journal, world: World) -> None:
    class Interrupted(SetValue):
        def apply(self, before: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(journal, Interrupted({}), world)
    assert [entry.state for entry in journal.open_entries()] == [State.INTENT]


def test_open_changes_come_latest_first_and_healed_ones_not_at_all(journal: Journal, world: World) -> None:
    first, second, third = (carry_out(journal, SetValue({}, key), world) for key in "abc")
    journal.move(second, State.HEALED, world.events)
    assert [entry.id for entry in journal.open_entries()] == [third.id, first.id]
    assert [entry.state for entry in journal.entries("run-1")] == [State.APPLIED, State.HEALED, State.APPLIED]
    assert journal.open_entries("another run") == []


def test_each_move_of_a_change_is_told(journal: Journal, world: World) -> None:
    entry = carry_out(journal, SetValue({}), world)
    journal.move(entry, State.HEALED, world.events)
    told = [event for event in world.events.events if event.kind is EventKind.JOURNAL]
    assert [(event.name, event.data["state"]) for event in told] == [
        ("set colour to grey", state) for state in ("intent", "applied", "healed")
    ]


def test_apply_sees_what_a_later_process_will_see(journal: Journal, world: World) -> None:
    change = SetValue({"colour": ("a", "tuple")})
    carry_out(journal, change, world)
    assert change.seen == [["a", "tuple"]]


@pytest.mark.parametrize("value", [float("nan"), object(), b"bytes", {1, 2}])
def test_what_is_not_json_is_refused_before_anything_is_touched(journal: Journal, world: World, value: Any) -> None:
    change = SetValue({"colour": value})
    with pytest.raises(JournalError, match="'set colour to grey' would keep in the journal is not JSON"):
        carry_out(journal, change, world)
    assert change.seen == []
    assert journal.open_entries() == []


def test_a_secret_is_refused_before_anything_is_touched_and_not_repeated(journal: Journal, world: World) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    change = SetValue({"colour": {"environment": f"KEY={key}"}})
    with pytest.raises(JournalError, match="shows a secret") as caught:
        carry_out(journal, change, world)
    assert key not in str(caught.value)
    assert change.seen == []
    with pytest.raises(JournalError, match="shows a secret"):
        journal.remember("run-1", "env", key)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aä\n\"'{}:,\\ €𝄞", max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("xyzß", max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values)
def test_whatever_json_was_captured_comes_back_the_same(journal: Journal, world: World, value: Any) -> None:
    entry = carry_out(journal, SetValue({"colour": value}), world)
    (read,) = [found for found in journal.open_entries() if found.id == entry.id]
    assert json.dumps(read.before) == json.dumps(value)


def test_the_files_are_for_their_owner_only(journal: Journal, path: Path, world: World) -> None:
    carry_out(journal, SetValue({}), world)
    files = list(path.parent.iterdir())
    assert {file.name for file in files} >= {"journal.sqlite3", "journal.sqlite3-wal"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    Journal(path).close()
    path.chmod(0o644)
    Journal(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_intent_is_flushed_to_the_disk(journal: Journal, world: World) -> None:
    commits: list[str] = []

    class Looks(SetValue):
        def apply(self, before: Any) -> None:
            journal._file._connection.set_trace_callback(None)

    journal._file._connection.set_trace_callback(commits.append)
    carry_out(journal, Looks({}), world)
    assert [told.lower() for told in commits if "pragma" in told.lower()] == ["pragma synchronous = full"]
    assert any("insert into entries" in told for told in commits)
    assert journal._file.rows("pragma journal_mode")[0][0] == "wal"


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("something else, and long enough to be looked at" * 10)
    with pytest.raises(JournalError, match="cannot be opened: file is not a database"):
        Journal(text)
    assert text.read_text().startswith("something else")


def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "foreign")) as connection:
        connection.execute("create table guests (name text)")
    with pytest.raises(JournalError, match="no drillbook journal"):
        Journal(tmp_path / "foreign")
    with closing(sqlite3.connect(tmp_path / "foreign")) as connection:
        assert connection.execute("select name from sqlite_master").fetchall() == [("guests",)]


def test_a_journal_of_a_newer_drillbook_is_refused(path: Path) -> None:
    with Journal(path) as journal, journal._file.transaction() as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(JournalError, match="has schema 99; this drillbook knows schema 1 — use the drillbook"):
        Journal(path)


def test_a_damaged_journal_is_refused(path: Path, world: World) -> None:
    with Journal(path) as journal:
        for number in range(200):
            carry_out(journal, SetValue({"colour": "x" * 200}, to=number), world)
    content = bytearray(path.read_bytes())
    content[4096 : 3 * 4096] = b"\xff" * (2 * 4096)
    path.write_bytes(content)
    with pytest.raises(JournalError, match="keep a copy"), Journal(path) as journal:
        journal.open_entries()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"cannot be opened.*make its directory writable"):
        Journal(tmp_path / "file" / "journal.sqlite3")


def test_a_journal_that_somebody_else_holds_says_so(path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drillbook.journal_file._PATIENCE", 0.05)
    change = SetValue({})
    with Journal(path) as journal, Journal(path) as other, other._file.transaction():
        with pytest.raises(JournalError, match=r"cannot be written: database is locked — see which drillbook process"):
            carry_out(journal, change, world)
        assert journal.open_entries() == []
    assert change.seen == []


def test_a_full_disk_is_named_and_nothing_is_changed(journal: Journal, world: World) -> None:
    journal._file._connection.execute("pragma max_page_count = 1")
    change = SetValue({"colour": "x" * 50_000})
    with pytest.raises(JournalError, match="database or disk is full — free space on its disk"):
        carry_out(journal, change, world)
    assert change.seen == []


def test_an_empty_file_left_by_a_kill_becomes_a_journal(path: Path, world: World) -> None:
    path.parent.mkdir()
    path.touch()
    with Journal(path) as journal:
        carry_out(journal, SetValue({}), world)
        assert count_open(path) == 1


def test_many_processes_may_make_the_journal_at_once(path: Path) -> None:
    code = f"{PRELUDE}Journal(Path(sys.argv[1])).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE) for _ in range(6)]
    assert [child.communicate()[1] for child in children] == [b""] * 6


def test_open_changes_are_counted_without_writing(journal: Journal, path: Path, world: World, tmp_path: Path) -> None:
    assert count_open(tmp_path / "none") == 0
    entries = [carry_out(journal, SetValue({}, key), world) for key in "ab"]
    journal.move(entries[0], State.GONE, world.events)
    assert count_open(path) == 1


def test_a_drill_is_refused_while_a_change_is_open(journal: Journal, world: World) -> None:
    journal.refuse_if_open()
    carry_out(journal, SetValue({}), world)
    with pytest.raises(Refused, match=r"journal rail: 1 change\(s\) are open.*run: drillbook heal") as caught:
        journal.refuse_if_open()
    assert caught.value.rail == "journal"
    with pytest.raises(Refused, match="are open"):
        journal.begin("run-2", service_file="x", target={}, clock=world.clock)


def test_a_drill_in_a_cloud_of_its_own_is_not_refused_for_what_is_open_in_another_such_cloud(
    journal: Journal, world: World
) -> None:
    world.address = {"target": "embedded", "cloud": "a", "own_cloud": True}
    carry_out(journal, SetValue({}), world)
    journal.refuse_if_open(own_cloud=True)
    journal.begin("run-2", service_file="x", target={**world.address, "cloud": "b"}, clock=world.clock)
    assert journal.open_entries() != []
    with pytest.raises(Refused, match="are open"):
        journal.refuse_if_open()
    for shared in ({"target": "embedded", "cloud": "by hand"}, {"target": "aws"}):
        with pytest.raises(Refused, match="are open"):
            journal.begin("run-3", service_file="x", target=shared, clock=world.clock)


def test_what_is_open_in_a_shared_world_refuses_every_drill(journal: Journal, world: World) -> None:
    world.address = {"target": "embedded", "cloud": "by hand"}
    carry_out(journal, SetValue({}), world)
    with pytest.raises(Refused, match="are open"):
        journal.refuse_if_open(own_cloud=True)


def test_a_run_may_begin_again_with_its_own_changes_open(journal: Journal, world: World) -> None:
    journal.begin("run-1", service_file="x", target={"name": "local", "cloud": 7}, clock=world.clock)
    carry_out(journal, SetValue({}), world)
    journal.begin("run-1", service_file="x", target={"name": "local", "cloud": 7}, clock=world.clock)
    assert journal.open_entries()[0].target == {"name": "local", "cloud": 7}


def test_a_service_that_another_live_process_drills_is_refused(journal: Journal, path: Path, world: World) -> None:
    def begin(run_id: str, service_file: str, **target: str) -> None:
        journal.begin(run_id, service_file=service_file, target=target, clock=world.clock)

    other = another_process_begins(path, "theirs", then="sys.stdin.read()")
    try:
        with pytest.raises(Refused, match=rf"run theirs \(process {other.pid}\) drills the same service"):
            begin("mine", "x", name="local", workdir="/tmp/mine")
        begin("elsewhere", "x", name="embedded")
        begin("another service", "y", name="local")
    finally:
        end(other)
    begin("mine", "x", name="local", workdir="/tmp/mine")


def test_a_killed_run_is_dead_even_before_its_parent_reaps_it(journal: Journal, path: Path) -> None:
    other = another_process_begins(path, "theirs", then="sys.stdin.read()")
    run = journal.run("theirs")
    assert run is not None
    assert run.process.alive
    assert run.at_work_elsewhere
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert not run.process.alive
    end(other)


def test_a_pid_used_again_is_not_the_run(journal: Journal, world: World) -> None:
    journal.begin("run-1", service_file="x", target={}, clock=world.clock)
    with journal._file.transaction() as connection:
        connection.execute("update runs set birth = 'an earlier boot/1'")
    run = journal.run("run-1")
    assert run is not None
    assert run.process.pid == os.getpid()
    assert not run.process.alive


def test_an_ended_run_is_not_at_work(journal: Journal, path: Path) -> None:
    other = another_process_begins(
        path, "theirs", then="j.end('theirs', SystemClock()); print('ended', flush=True); sys.stdin.read()"
    )
    assert other.stdout is not None
    other.stdout.readline()
    run = journal.run("theirs")
    end(other)
    assert run is not None
    assert not run.at_work_elsewhere


def test_nothing_is_changed_while_somebody_heals(journal: Journal, world: World) -> None:
    change = SetValue({})
    with journal.healing():
        with pytest.raises(Refused, match="is healing"):
            carry_out(journal, change, world)
        with pytest.raises(Refused, match="is healing already"), journal.healing():
            pass
    assert change.seen == []
    carry_out(journal, change, world)


def test_the_claim_of_a_killed_healer_is_worth_nothing(journal: Journal, path: Path) -> None:
    code = (
        f"{PRELUDE}j = Journal(Path(sys.argv[1]))\nwith j.healing():\n  print('heals', flush=True)\n  sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=-1, stdin=-1, text=True)
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(Refused, match=f"process {other.pid} is healing already"), journal.healing():
        pass
    end(other)
    with journal.healing():
        pass


def test_facts_are_remembered_by_run(journal: Journal, path: Path) -> None:
    journal.remember("run-1", "restore to", {"at": 12.5})
    journal.remember("run-1", "restore to", {"at": 13.5})
    with Journal(path) as later:
        assert later.recall("run-1", "restore to") == {"at": 13.5}
        assert later.recall("run-2", "restore to") is None


def test_the_export_is_evidence_without_machine_paths(journal: Journal, world: World, tmp_path: Path) -> None:
    carry_out(journal, SetValue({"colour": "red"}), world)
    step = StepResult("restore", Phase.RECOVER, Outcome.DONE, 1.0, 3.5, 60.0, attempts=1)
    journal.memory("run-1").note("plan", step)
    journal.remember("run-1", "chosen", 7)
    records = [json.loads(line) for line in journal.as_jsonl("run-1").splitlines()]
    assert [record["record"] for record in records] == ["change", "step", "fact"]
    assert records[0]["state"] == "applied"
    assert records[0]["touches"] == ["colour"]
    assert records[1]["seconds"] == 2.5
    assert str(tmp_path) not in journal.as_jsonl("run-1")


@pytest.mark.parametrize(
    ("monotonic", "wall", "age"),
    [
        pytest.param(5.0, 5.0, 5.0, id="both clocks agree"),
        pytest.param(-100.0, 3600.0, 0.0, id="the machine was booted in between"),
        pytest.param(5.0, -30.0, 0.0, id="the wall clock was set back"),
        pytest.param(5.0, 3600.0, 5.0, id="the wall clock was set forward"),
    ],
)
def test_only_time_that_passed_for_certain_counts(
    clock: VirtualClock, monotonic: float, wall: float, age: float
) -> None:
    from datetime import timedelta

    moment = Moment(clock.now() - timedelta(seconds=wall), clock.monotonic() - monotonic)
    assert moment.age(clock) == pytest.approx(age)
