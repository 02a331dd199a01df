"""What killed clouds left behind: directories, and processes that could not end with their cloud.

A scratch directory names its owner, a process by pid and birth. When that process is gone, whatever works in the
directory is ended and the directory removed; nothing is ever looked for by its name.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from drillbook.clock import SystemClock
from drillbook.embedded.postgres import shared_memory
from drillbook.embedded.postgres.processes import kill_all_in
from drillbook.errors import WaitTimeout
from drillbook.liveness import Process, birth_of, this_process
from drillbook.waiting import wait_for

SCRATCH = "drillbook-cloud-"
"""How the name of every cloud's scratch directory begins; its owner's pid follows."""
_OWNER = "owner.json"
_PATIENCE = 5.0
_LONGEST = 32
"""Characters of a directory in which the longest path of a socket still fits."""


def place() -> Path:
    """Where scratch directories are. A socket's path is at most some 100 characters long (POSIX: sun_path), and
    PostgreSQL listens deep below it, so a long TMPDIR is of no use."""
    usual, short = Path(tempfile.gettempdir()), Path("/tmp")  # noqa: S108 - mkdtemp makes it safe
    return short if len(str(usual)) > _LONGEST and os.access(short, os.W_OK | os.X_OK) else usual


def claim() -> Path:
    """A scratch directory of this process."""
    owner = this_process()
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{owner.pid}-", dir=place()))
    (folder / _OWNER).write_text(json.dumps({"pid": owner.pid, "birth": owner.birth}))
    return folder


def sweep(*also: Path) -> list[str]:
    """Clear up after every cloud of this user that is gone: those in the directory for temporary files, and ``also``
    these directories, if they are clouds'. Returns the names of what was removed."""
    found = {*place().glob(f"{SCRATCH}*"), *also}
    return [_clear(folder) for folder in sorted(found) if _is_ours(folder) and not _is_owned(folder)]


def _is_ours(folder: Path) -> bool:
    """A directory that another sweep removes just now is nobody's."""
    with suppress(FileNotFoundError):
        found = folder.lstat()
        return folder.name.startswith(SCRATCH) and stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return False


def _is_owned(folder: Path) -> bool:
    """By the record; while that is not there yet, by the pid in the name."""
    try:
        noted = json.loads((folder / _OWNER).read_text())
        return _stays(Process(int(noted["pid"]), str(noted["birth"])))
    except (OSError, ValueError, KeyError):
        pid = folder.name.removeprefix(SCRATCH).partition("-")[0]
        return pid.isdigit() and birth_of(int(pid)) is not None


def _stays(owner: Process) -> bool:
    """Is it alive? One that was killed a moment ago has given its memory back, and with it its command line, but is
    not gone yet: its end is waited for."""
    words = Path(f"/proc/{owner.pid}/cmdline")
    with suppress(OSError, WaitTimeout):
        if words.exists() and not words.read_bytes():
            wait_for("its end", lambda: not owner.alive, timeout=_PATIENCE, interval=0.005, clock=SystemClock())
    return owner.alive


def remove(folder: Path) -> None:
    """Remove a directory and whoever works in it. Who is about to die may still write: then once more."""

    def gone() -> bool:
        kill_all_in(folder)
        for data, _, files in os.walk(folder):  # unlike a glob, it passes over what goes meanwhile
            if "postmaster.pid" in files:
                shared_memory.release(Path(data))
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    with suppress(WaitTimeout):  # the next sweep tries again
        wait_for("the end of a cloud's directory", gone, timeout=_PATIENCE, interval=0.02, clock=SystemClock())


def _clear(folder: Path) -> str:
    remove(folder)
    return folder.name
