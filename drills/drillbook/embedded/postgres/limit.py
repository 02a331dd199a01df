"""Sets how long the files of running servers may grow, as the account they run as: root may lack CAP_SYS_RESOURCE.

Run as a file by the plain interpreter: ``limit.py <uid> <gid> <bytes> <pid>…``; uid -1 keeps the account, bytes -1 is
no limit.
"""

from __future__ import annotations

import os
import resource
import sys


def limit(uid: int, gid: int, size: int, pids: list[int]) -> None:
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if not sys.platform.startswith("linux"):
        return
    for pid in pids:
        try:
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    limit(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [int(pid) for pid in sys.argv[4:]])
