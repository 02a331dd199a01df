"""What becomes a PostgreSQL server: it drops root's privileges and ends, whatever happens, when the cloud ends.

Run as a file by the plain interpreter: ``boot.py <cloud's pid> <uid> <gid> <program> <argument>…``; uid -1 keeps the
account. It is a program of its own because the kernel forgets PR_SET_PDEATHSIG when credentials change, and because
nothing may run between fork and exec in a process with many threads. The signal comes when the *thread* that started
this process ends, so that thread must live as long as the cloud.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(cloud: int, uid: int, gid: int, command: list[str]) -> None:
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != cloud:
            return
    os.execv(command[0], command)  # noqa: S606 - becoming another program is what this one is for


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
