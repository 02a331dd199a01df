"""Is the process that wrote this down still running? A pid alone does not say: pids are used again.

A process is known by its pid and its birth: the kernel's start time of the process and, on Linux, the machine's boot.
Both are only meaningful on one machine and in one pid namespace; docs/safety.md says what follows for containers.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATE, _START_TIME = 0, 19
"""Fields of /proc/<pid>/stat after the command name, counted from the state (proc_pid_stat(5), fields 3 and 22)."""


@dataclass(frozen=True)
class Process:
    """One process of this machine, for as long as it lives and afterwards."""

    pid: int
    birth: str

    @property
    def alive(self) -> bool:
        """Whether this very process runs now. A zombie is dead: it can do nothing any more."""
        return birth_of(self.pid) == self.birth

    @property
    def is_this_one(self) -> bool:
        return self.pid == os.getpid() and self.alive


def this_process() -> Process:
    return Process(os.getpid(), birth_of(os.getpid()) or "")


def birth_of(pid: int) -> str | None:
    """What tells this process from any other that had or will have its pid; None if no such process runs."""
    return _birth_from_proc(pid) if _BOOT.exists() else _birth_from_ps(pid)


def _birth_from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name stands in parentheses and may itself contain spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else f"{_BOOT.read_text().strip()}/{fields[_START_TIME]}"


def _birth_from_ps(pid: int) -> str | None:
    """Systems without /proc (macOS): ps knows the start to the second, which a pid's reuse does not beat."""
    seen = subprocess.run(
        ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=10
    ).stdout.split()
    return None if not seen or seen[0].startswith("Z") else " ".join(seen[1:])
