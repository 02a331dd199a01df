"""The write-ahead journal: each change to the world is on the disk, with what undoes it, before it is made.

    capture ──▶ intent (on the disk) ──▶ apply ──▶ applied ─┐
                  │ apply raised, or the process was killed  ├──▶ heal: restore, read back ──▶ healed
                  └──────────────────────────────────────────┘    (or the world itself no longer exists ──▶ gone)

``drillbook.heal`` works from this file alone. What else must outlive a killed drill stands here too: which process ran
it, which recovery steps were done, and the facts a plan remembers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Self

from drillbook.clock import Clock, utc_text
from drillbook.errors import Refused
from drillbook.events import EventKind, EventStream, Json
from drillbook.journal_file import JournalFile
from drillbook.journal_records import (
    Entry,
    Moment,
    RunRecord,
    State,
    entry_of,
    exported,
    has_own_cloud,
    json_text,
    run_of,
    storable,
)
from drillbook.liveness import Process, this_process
from drillbook.plan_memory import PlanMemory

if TYPE_CHECKING:
    from drillbook.fault import Change
    from drillbook.world import World

__all__ = ["Entry", "Journal", "Moment", "RunRecord", "State", "default_path"]

_NEW_RUN = "runs (run_id, pid, birth, service_file, target, began) values (?, ?, ?, ?, ?, ?)"


def default_path(root: Path) -> Path:
    return root / ".drillbook" / "journal.sqlite3"


class Journal:
    """The journal at ``path``, made if it is not there (mode 0600). Threads may share it; close it when done.

    Raises JournalError if the file is not a journal, was written by a newer drillbook, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = JournalFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    # -- runs ---------------------------------------------------------------------------------------------------------

    def begin(self, run_id: str, *, service_file: str, target: Mapping[str, Json], clock: Clock) -> None:
        """Enter a run and its process. ``heal`` reaches its world by ``service_file``, absolute, and ``target``, JSON.

        The same ``run_id`` may begin again after its process died. Raises Refused by the journal rail as
        ``refuse_if_open``, or while another live process drills the same service on the same target.
        """
        me = this_process()
        with self._file.transaction() as connection:
            self._refuse_beside_others(run_id, service_file, target)
            connection.execute(
                f"insert or replace into {_NEW_RUN}",
                (run_id, me.pid, me.birth, service_file, json_text(target), utc_text(clock.now())),
            )

    def end(self, run_id: str, clock: Clock) -> None:
        """The run does nothing more; its process may live on."""
        with self._file.transaction() as connection:
            connection.execute("update runs set ended = ? where run_id = ?", (utc_text(clock.now()), run_id))

    def run(self, run_id: str) -> RunRecord | None:
        return next((run for run in self._runs() if run.run_id == run_id), None)

    def refuse_if_open(self, *, run_id: str = "", own_cloud: bool = False) -> None:
        """A drill needs a whole world to break. Raises Refused by the journal rail while a change is open.

        Changes of ``run_id`` itself do not count; nor, for a drill in a cloud of its own (``own_cloud``), those in
        other drills' own clouds.
        """
        others = [entry for entry in self.open_entries() if entry.run_id != run_id]
        if entries := [entry for entry in others if not (own_cloud and entry.has_own_cloud)]:
            raise self._refusal(entries)

    def _runs(self) -> list[RunRecord]:
        return [run_of(row) for row in self._file.rows("select * from runs order by began")]

    def _refuse_beside_others(self, run_id: str, service_file: str, target: Mapping[str, Json]) -> None:
        self.refuse_if_open(run_id=run_id, own_cloud=has_own_cloud(target))
        self._refuse_while_healing()
        for run in self._runs():
            if run.at_work_elsewhere and run.is_about(service_file, target):
                raise Refused(
                    "journal",
                    f"run {run.run_id} (process {run.process.pid}) drills the same service on the same target",
                    do="wait for it to end",
                )

    def _refusal(self, entries: list[Entry]) -> Refused:
        first = entries[0]
        run = self.run(first.run_id)
        what = f"{len(entries)} change(s) are open, the latest: {first.what} (run {first.run_id})"
        if run and run.at_work_elsewhere:
            return Refused("journal", what, do=f"wait for process {run.process.pid}, which is at work, to end")
        return Refused("journal", what, do="run: drillbook heal")

    # -- changes ------------------------------------------------------------------------------------------------------

    def carry_out(self, change: Change, *, factory: str, settings: Mapping[str, Json], world: World) -> Entry:
        """Make ``change`` so that a later process can undo it: capture, write the intent, apply.

        ``factory`` and ``settings`` are how that process makes the same change again. ``before`` goes through JSON
        first, so that ``apply`` here and ``restore`` there see the same. If ``apply`` raises, so does this, and the
        entry stays open. Raises JournalError, before anything is touched, if the intent cannot be written or would
        hold a secret.
        """
        what = change.describe()
        kept = {"what": what, "settings": settings, "touches": change.touches(), "before": change.capture()}
        record = storable(kept, what)
        entry = self._write_intent(record, factory, change.settle, world)
        try:
            change.apply(entry.before)
        except BaseException:
            # Also when interrupted: whatever call was in flight, no further one is sent from now on.
            self.found_quiet([entry], world.clock)
            raise
        return self.move(entry, State.APPLIED, world.events)

    def open_entries(self, run_id: str | None = None) -> list[Entry]:
        """The changes that may still be in place, of one run or of all; latest first, the order to undo them in."""
        entries = self._entries("where state in ('intent', 'applied') order by entries.id desc")
        return [entry for entry in entries if run_id in (None, entry.run_id)]

    def entries(self, run_id: str) -> list[Entry]:
        """All changes of a run, earliest first."""
        return self._entries("where entries.run_id = ? order by entries.id", run_id)

    def move(self, entry: Entry, state: State, events: EventStream) -> Entry:
        """Write that ``entry`` has reached ``state``, and tell.

        Only an intent must be on the disk before the next thing happens. A machine that loses power may forget the last
        moves, latest first; heal then does more than it had to.
        """
        with self._file.transaction(durable=False) as connection:
            values = (state, utc_text(events.clock.now()), entry.id)
            connection.execute("update entries set state = ?, moved = ? where id = ?", values)
        return self._tell(replace(entry, state=state), events)

    def found_quiet(self, entries: Iterable[Entry], clock: Clock) -> None:
        """Write, once for each entry, that from now on no further call of it can be sent."""
        now = Moment.present(clock)
        with self._file.transaction() as connection:
            connection.executemany(
                "update entries set quiet_utc = ?, quiet_monotonic = ? where id = ? and quiet_utc is null",
                [(now.utc.isoformat(), now.monotonic, entry.id) for entry in entries],
            )

    def _write_intent(self, record: Mapping[str, Json], factory: str, settle: float, world: World) -> Entry:
        at = utc_text(world.clock.now())
        with self._file.transaction() as connection:
            self._refuse_while_healing()
            self._enter_run(world, connection)
            cursor = connection.execute(
                "insert into entries (run_id, what, factory, settings, touches, before, state, settle, at, moved)"
                " values (?, ?, ?, ?, ?, ?, 'intent', ?, ?, ?)",
                (
                    *(world.run_id, record["what"], factory),
                    *(json_text(record[name]) for name in ("settings", "touches", "before")),
                    *(settle, at, at),
                ),
            )
        (entry,) = self._entries("where entries.id = ?", cursor.lastrowid)
        return self._tell(entry, world.events)

    def _enter_run(self, world: World, connection: Connection) -> None:
        """A world that nobody began a run for is still known by its name."""
        me = this_process()
        file, target = str(world.service.path.resolve()), json_text(world.address or {"target": world.target})
        connection.execute(
            f"insert or ignore into {_NEW_RUN}",
            (world.run_id, me.pid, me.birth, file, target, utc_text(world.clock.now())),
        )

    def _entries(self, rest: str, *values: object) -> list[Entry]:
        query = "select entries.*, service_file, target from entries join runs using (run_id) "
        return [entry_of(row) for row in self._file.rows(query + rest, *values)]

    def _tell(self, entry: Entry, events: EventStream) -> Entry:
        events.emit(EventKind.JOURNAL, entry.what, id=entry.id, state=str(entry.state))
        return entry

    # -- healing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def healing(self) -> Iterator[None]:
        """One healer at a time, and no new change while it works. A dead healer's claim is worth nothing.

        Raises Refused by the journal rail if another process heals.
        """
        me = this_process()
        with self._file.transaction() as connection:
            other = self._healer()
            if other and other.alive:
                raise Refused("journal", f"process {other.pid} is healing already", do="wait for it to end")
            connection.execute("insert or replace into healer (one, pid, birth) values (1, ?, ?)", (me.pid, me.birth))
        try:
            yield
        finally:
            with self._file.transaction() as connection:
                connection.execute("delete from healer where pid = ? and birth = ?", (me.pid, me.birth))

    def _healer(self) -> Process | None:
        return next((Process(row["pid"], row["birth"]) for row in self._file.rows("select * from healer")), None)

    def _refuse_while_healing(self) -> None:
        healer = self._healer()
        if healer and healer.alive:
            raise Refused("journal", f"process {healer.pid} is healing", do="wait for it to end, then start again")

    # -- what a plan remembers ----------------------------------------------------------------------------------------

    def memory(self, run_id: str, *, anew: bool = False) -> PlanMemory:
        """Where the runner notes the steps of this run, so that a plan can be resumed. ``anew``: it is not resumed."""
        return PlanMemory(self._file, run_id, anew=anew)

    def remember(self, run_id: str, key: str, value: Json) -> None:
        """Keep a fact of this run (the restore time chosen, the table made), in place of what ``key`` held.

        Raises JournalError if it is not JSON or holds a secret.
        """
        stored = json_text(storable(value, f"fact {key}"))
        with self._file.transaction() as connection:
            connection.execute("insert or replace into facts values (?, ?, ?)", (run_id, key, stored))

    def recall(self, run_id: str, key: str) -> Json:
        """What ``remember`` kept, or None."""
        rows = self._file.rows("select value from facts where run_id = ? and key = ?", run_id, key)
        return json.loads(rows[0]["value"]) if rows else None

    # -- evidence -----------------------------------------------------------------------------------------------------

    def export(self, run_id: str) -> list[dict[str, Json]]:
        """A run's changes, steps and facts for the evidence: no paths of this machine, and no ``before``."""
        changes = self._file.rows("select * from entries where run_id = ? order by id", run_id)
        steps = self._file.rows("select * from steps where run_id = ? order by n", run_id)
        facts = self._file.rows("select * from facts where run_id = ? order by key", run_id)
        return [
            *({"record": "change"} | exported(row) for row in changes),
            *({"record": "step", **json.loads(row["facts"])} for row in steps),
            *({"record": "fact", "key": row["key"], "value": json.loads(row["value"])} for row in facts),
        ]

    def as_jsonl(self, run_id: str) -> str:
        """``export``, one JSON object a line."""
        return "".join(json_text(record) + "\n" for record in self.export(run_id))
