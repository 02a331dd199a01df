"""Process trees: a server and its children stop at one instant, as a machine that loses power does."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_PARENT = 1
"""Field of /proc/<pid>/stat after the command name (proc_pid_stat(5), field 4)."""


def freeze(pid: int) -> list[int]:
    """Stop the process and then its children, who are returned with it: nobody new can be born meanwhile."""
    tree = [pid]
    _send(pid, signal.SIGSTOP)
    for child in _children(pid):
        _send(child, signal.SIGSTOP)
        tree.append(child)
    return tree


def tree(pid: int) -> list[int]:
    """The process and its children."""
    return [pid, *_children(pid)]


def thaw(pid: int) -> None:
    """Let the process and its children go on."""
    for one in (*_children(pid), pid):
        _send(one, signal.SIGCONT)


def kill(pid: int) -> None:
    """End the process and its children at one instant; nothing is flushed or sent after it. The caller reaps."""
    for one in freeze(pid):
        _send(one, signal.SIGKILL)


def kill_all_in(folder: Path) -> None:
    """End every process whose working directory is inside ``folder``: what a killed cloud may have left frozen.

    A PostgreSQL process works in its data directory, so this is ownership and not a name. Linux only; elsewhere
    nothing happens.
    """
    for pid in _working_in(folder):
        _send(pid, signal.SIGKILL)


def _working_in(folder: Path) -> Iterator[int]:
    whole = str(folder.resolve())
    for entry in _PROC.glob("[0-9]*") if _PROC.is_dir() else ():
        with suppress(OSError):
            place = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
            if place == whole or place.startswith(whole + os.sep):
                yield int(entry.name)


def _children(pid: int) -> list[int]:
    if not (_PROC / "self").exists():
        seen = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False, timeout=10)
        return [int(word) for word in seen.stdout.split()]
    with suppress(OSError):
        # The kernel's own list (CONFIG_PROC_CHILDREN), many times faster; whole for a process that is stopped.
        return [int(word) for word in (_PROC / f"{pid}/task/{pid}/children").read_text().split()]
    return [int(entry.name) for entry in _PROC.glob("[0-9]*") if _parent(entry) == pid]


def _parent(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[_PARENT])
    except (OSError, IndexError):
        return None


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
