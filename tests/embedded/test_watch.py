from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from drillbook.clock import VirtualClock
from drillbook.embedded.watch import GRACE, Watch


class OpenJournal(Protocol):
    path: Path

    def heal(self) -> None: ...


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_cloud_lives_as_long_as_one_of_its_owners() -> None:
    watch = Watch(VirtualClock())
    watch.add(os.getpid(), None)
    watch.add(dead_pid(), None)
    assert watch.reason_to_stop() is None
    watch.owners.clear()
    assert watch.reason_to_stop() == "its owner is gone"


def test_an_open_journal_keeps_an_orphaned_cloud_until_it_is_healed(open_journal: OpenJournal) -> None:
    watch = Watch(VirtualClock())
    watch.add(dead_pid(), open_journal.path)
    assert watch.reason_to_stop() is None
    open_journal.heal()
    assert watch.reason_to_stop() == "its owner is gone"


def test_an_open_journal_keeps_an_orphaned_cloud_for_an_hour_at_most(open_journal: OpenJournal) -> None:
    clock = VirtualClock()
    watch = Watch(clock)
    watch.add(dead_pid(), open_journal.path)
    assert watch.reason_to_stop() is None
    clock.sleep(GRACE)
    assert watch.reason_to_stop() == "its owner is gone"


def test_a_journal_that_cannot_be_read_is_taken_for_open(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_text("no database at all")
    watch = Watch(VirtualClock())
    watch.add(dead_pid(), tmp_path / "journal.db")
    assert watch.reason_to_stop() is None


def test_a_journal_that_does_not_exist_keeps_nothing(tmp_path: Path) -> None:
    watch = Watch(VirtualClock())
    watch.add(dead_pid(), tmp_path / "journal.db")
    assert watch.reason_to_stop() == "its owner is gone"


def test_a_cloud_without_owner_stops_when_it_is_not_used() -> None:
    clock = VirtualClock()
    watch = Watch(clock, idle_limit=100)
    watch.add(None, None)
    clock.sleep(90)
    watch.touch()
    clock.sleep(90)
    assert watch.reason_to_stop() is None
    clock.sleep(11)
    assert watch.reason_to_stop() == "idle for 100 s"


def test_a_cloud_that_was_asked_for_without_owner_outlives_those_who_come_later() -> None:
    watch = Watch(VirtualClock())
    watch.add(None, None)
    watch.add(dead_pid(), None)
    assert watch.reason_to_stop() is None
