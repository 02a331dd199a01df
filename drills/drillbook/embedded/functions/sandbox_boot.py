"""What runs inside a function's sandbox: the AWS runtime client, ended when the cloud that started it ends.

Standard input is a pipe that only the cloud holds open. End of file means that the cloud is gone, however it died, and
nobody will ever ask this process for anything again. (PR_SET_PDEATHSIG would fire when the *thread* that started the
process ends, and macOS has none.)
"""

from __future__ import annotations

import os
import sys
import threading


def end_with_the_cloud(lifeline: int) -> None:
    while os.read(lifeline, 64):
        pass
    os._exit(0)


def run(handler: str, task_root: str) -> None:
    lifeline = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=end_with_the_cloud, args=(lifeline,), daemon=True).start()
    sys.path.insert(0, task_root)
    sys.argv = ["awslambdaric", handler]
    from awslambdaric.__main__ import main

    main(sys.argv)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2])
