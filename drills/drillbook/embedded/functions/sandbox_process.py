"""What a sandbox's process is started from, and starting one from nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from drillbook.embedded.functions import sandbox_boot


@dataclass(frozen=True)
class Order:
    """The process to be started: the code's handler, its folder, and its complete environment."""

    handler: str
    code: Path
    environment: Mapping[str, str]


class Process(Protocol):
    """What is asked of a sandbox's process, as of a ``subprocess.Popen``. Its standard input is its lifeline."""

    @property
    def pid(self) -> int: ...

    @property
    def stdin(self) -> IO[bytes] | None: ...

    @property
    def stdout(self) -> IO[bytes] | None: ...

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def kill(self) -> None: ...


def start_anew(order: Order) -> Process:
    """A Python of its own that imports everything itself. Raises OSError if the machine has no room for it."""
    return subprocess.Popen(
        [sys.executable, "-P", sandbox_boot.__file__, order.handler, str(order.code)],
        cwd=order.code,
        env=dict(order.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
