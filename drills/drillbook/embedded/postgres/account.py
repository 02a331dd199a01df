"""Whom PostgreSQL runs as: it refuses to be root, so root's children become somebody else."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillbook.embedded.postgres import boot, limit
from drillbook.errors import DrillBroken, TargetError

_CANDIDATES = ("postgres", "nobody")
_TIMEOUT = 120.0
_PYTHON = (sys.executable, "-I", "-S")
"""Starts fast, and finds nothing of ours."""


class PostgresFailed(DrillBroken):
    """PostgreSQL itself could not do what was asked: the embedded cloud's fault, not the service's."""


@dataclass(frozen=True)
class Account:
    """The account of all children. ``uid`` None: this process's own."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> Path:
        """Give a file or directory to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        return path

    def folder(self, path: Path) -> Path:
        """A private directory of this account, made if it is not there."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.own(path)

    def run(
        self, command: Sequence[object], *, under_way: set[subprocess.Popen[str]] | None = None, **environ: str
    ) -> str:
        """Run a program to its end and return what it printed. Raises PostgresFailed with its last words.

        It is in ``under_way`` meanwhile, for those who may have to end it.
        """
        words = [str(word) for word in command]
        program: subprocess.Popen[str] = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env=_ENVIRON | environ,
            **self.dropped(),
        )
        with program, _noted(program, under_way if under_way is not None else set()):
            try:
                printed, said = program.communicate(timeout=_TIMEOUT)
            except BaseException:
                program.kill()
                raise
        if program.returncode:
            last = " ".join(said.split())[-500:]
            raise PostgresFailed(f"{Path(words[0]).name} ended with exit code {program.returncode}: {last}")
        return printed

    def dropped(self) -> dict[str, Any]:
        """What ``subprocess`` must be told so that a child is this account."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": ()}


@contextmanager
def _noted(program: subprocess.Popen[str], under_way: set[subprocess.Popen[str]]) -> Iterator[None]:
    under_way.add(program)
    try:
        yield
    finally:
        under_way.discard(program)


_ENVIRON = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


def choose() -> Account:
    """The account for this machine. Raises TargetError if this is root and there is nobody to become."""
    if os.geteuid() != 0:
        return Account()
    for name in _CANDIDATES:
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(known.pw_uid, known.pw_gid)
    raise TargetError(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(_CANDIDATES)}",
        do="run drillbook as an ordinary user",
    )


class Nursery:
    """Starts servers, all from one thread which lives as long as the cloud: see ``boot``."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postgres-nursery")

    def start(self, command: Sequence[object], log: Path) -> subprocess.Popen[bytes]:
        """Start a server; what it has to say goes to ``log``. The caller ends and reaps it."""
        return self._thread.submit(self._start, [str(word) for word in command], log).result()

    def close(self) -> None:
        """Let the thread end, and with it every server that still runs."""
        self._thread.shutdown()

    def limit(self, size: int | None, pids: Sequence[int]) -> None:
        """Set how far the files of these processes may grow, in bytes; None: without limit."""
        numbers = [str(-1 if size is None else size), *map(str, pids)]
        subprocess.run([*_PYTHON, limit.__file__, *self._ids(), *numbers], check=True, timeout=_TIMEOUT, cwd="/")

    def _ids(self) -> tuple[str, str]:
        return ("-1", "-1") if self._account.uid is None else (str(self._account.uid), str(self._account.gid))

    def _start(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        booted = [*_PYTHON, boot.__file__, str(os.getpid()), *self._ids(), *command]
        with log.open("ab") as written:
            self._account.own(log)
            return subprocess.Popen(
                booted, stdin=subprocess.DEVNULL, stdout=written, stderr=written, cwd="/", env=_ENVIRON
            )
