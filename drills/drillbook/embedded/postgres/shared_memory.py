"""The System V segment of a server that was killed. There are few (4096) for the whole machine, and they outlive it.

PostgreSQL frees what it finds in its own ``postmaster.pid`` when it starts again; many servers here never do. Its
seventh line holds key and id of the segment (PostgreSQL: ``src/include/utils/pidfile.h``).
"""

from __future__ import annotations

import ctypes
from pathlib import Path

_LINE = 6
_REMOVE = 0
_TABLE = Path("/proc/sysvipc/shm")


def release(data: Path) -> None:
    """Free the segment of the server whose data directory this was. Its processes must have been ended. Linux only."""
    segment = _segment(data)
    if segment is not None and segment in _segments():
        ctypes.CDLL(None, use_errno=True).shmctl(segment[1], _REMOVE, None)


def _segment(data: Path) -> tuple[int, int] | None:
    """Key and id; None for a server that ended in order, or had not begun to run."""
    try:
        key, number = (data / "postmaster.pid").read_text().splitlines()[_LINE].split()
        return int(key), int(number)
    except (OSError, IndexError, ValueError):
        return None


def _segments() -> set[tuple[int, int]]:
    """Key and id of all that there are: an id alone may be somebody else's by now."""
    if not _TABLE.exists():
        return set()
    rows = [line.split() for line in _TABLE.read_text().splitlines()[1:]]
    return {(int(row[0]), int(row[1])) for row in rows}
