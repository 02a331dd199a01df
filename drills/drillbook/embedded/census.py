"""The processes of a running cloud and what they hold of memory, seen from outside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Member:
    """``memory`` in bytes: the share of this process where the kernel tells (PSS), or else its resident set."""

    pid: int
    parent: int
    name: str
    memory: int


def family(*roots: int) -> list[Member]:
    """These processes and all their descendants that are alive, by pid."""
    everybody = {member.pid: member for member in _everybody()}
    known = {pid for pid in roots if pid in everybody}
    while more := {pid for pid, one in everybody.items() if one.parent in known} - known:
        known |= more
    return [_weighed(everybody[pid]) for pid in sorted(known)]


def _everybody() -> Iterable[Member]:
    if not (_PROC / "self").exists():
        yield from _from_ps()
        return
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError, IndexError):
            head, _, tail = (entry / "stat").read_text().rpartition(")")
            state, parent = tail.split()[:2]
            if state not in "ZX":
                yield Member(int(entry.name), int(parent), head.partition("(")[2], 0)


def _weighed(member: Member) -> Member:
    if member.memory:
        return member
    with suppress(OSError):
        told = _PSS.search((_PROC / str(member.pid) / "smaps_rollup").read_text())
        if told:
            return Member(member.pid, member.parent, member.name, int(told[1]) * 1024)
    return member


def _from_ps() -> Iterable[Member]:
    seen = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,rss=,ucomm="], capture_output=True, text=True, check=False, timeout=10
    )
    for line in seen.stdout.splitlines():
        pid, parent, kilobytes, name = line.split(None, 3)
        yield Member(int(pid), int(parent), name.strip(), int(kilobytes) * 1024)
