"""Drills that run at the same time: each worker has a state directory, so a journal and an embedded cloud, of its own.

``<root>/.drillbook`` holds the journal of all drills whose world others may share: their own processes, an endpoint,
an account. ``<root>/.drillbook/workers/<worker>`` holds the journal and the cloud of one worker, which nobody shares.
A repository is whole when nothing is open in any of these journals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drillbook.errors import Refused
from drillbook.journal import Entry, Journal, default_path
from drillbook.journal_file import count_open
from drillbook.liveness import Process, this_process

_AT_WORK = "worker.json"
_WORKERS = "workers"


def state_of(root: Path, worker: str = "") -> Path:
    """The state directory of a worker, or the one of the repository."""
    own = default_path(root).parent
    return own / _WORKERS / worker if worker else own


def shared(state: Path) -> Path:
    """The state directory of the repository that a worker's ``state``, or its own, belongs to."""
    return state.parent.parent if state.parent.name == _WORKERS else state


def journals(root: Path) -> list[Path]:
    """The journals that there are, the repository's own first."""
    own = default_path(root)
    return [path for path in (own, *sorted(state_of(root).glob(f"workers/*/{own.name}"))) if path.exists()]


def refuse_abandoned(root: Path, own: Path, *, own_cloud: bool = False) -> None:
    """Raises Refused by the journal rail if a journal other than ``own`` has open changes that nobody is at work on.

    ``own_cloud``: as for ``Journal.refuse_if_open``.
    """
    for path in journals(root):
        if path != own and count_open(path):
            _refuse_abandoned_in(path, own_cloud=own_cloud)


def _refuse_abandoned_in(path: Path, *, own_cloud: bool) -> None:
    with Journal(path) as journal:
        for entry in journal.open_entries():
            if not (own_cloud and entry.has_own_cloud) and not _at_work(journal, entry):
                what = f"a change is open: {entry.what} (run {entry.run_id}), and the process that made it is gone"
                raise Refused("journal", what, do="run: drillbook heal")


def _at_work(journal: Journal, entry: Entry) -> bool:
    run = journal.run(entry.run_id)
    return run is not None and not run.ended and run.process.alive


@contextmanager
def at_work(state: Path) -> Iterator[None]:
    """Tell others, as long as the block lasts, that this process works in ``state``.

    Raises Refused by the journal rail if another one does.
    """
    other = worker_in(state)
    if other is not None and not other.is_this_one:
        raise Refused("journal", f"process {other.pid} runs drills side by side here already", do="wait for it to end")
    state.mkdir(parents=True, exist_ok=True)
    me = this_process()
    (state / _AT_WORK).write_text(json.dumps({"pid": me.pid, "birth": me.birth}), encoding="utf-8")
    try:
        yield
    finally:
        (state / _AT_WORK).unlink(missing_ok=True)


def workers(root: Path) -> list[Process]:
    """The processes that are at work side by side now."""
    found = (worker_in(path) for path in sorted(state_of(root).glob("workers/*")))
    return [process for process in found if process is not None]


def worker_in(state: Path) -> Process | None:
    """Who works in ``state``; None if nobody does, or what the file there names is gone."""
    try:
        noted = json.loads((state / _AT_WORK).read_text(encoding="utf-8"))
        process = Process(int(noted["pid"]), str(noted["birth"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return process if process.alive else None
