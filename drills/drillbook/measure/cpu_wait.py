"""How long this thread was ready to run and had no CPU: the part of a latency that is the canary's own fault."""

from __future__ import annotations

import os
import threading
from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
"""CPU time, run-queue wait (both nanoseconds) and time slices: Linux, Documentation/scheduler/sched-stats.rst."""


class _ThisThread(threading.local):
    """Each thread keeps its own file open: opening it for each operation would cost more than the rest."""

    def __init__(self) -> None:
        try:
            self.file: int | None = os.open(_SCHEDSTAT, os.O_RDONLY)
        except OSError:
            self.file = None


_this_thread = _ThisThread()


def cpu_wait() -> float:
    """Seconds since the calling thread began; 0 where the system does not tell."""
    if _this_thread.file is None:
        return 0.0
    return int(os.pread(_this_thread.file, 100, 0).split()[1]) / 1e9
