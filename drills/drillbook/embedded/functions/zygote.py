"""Sandboxes forked from a process that has the common imports behind it: see ``zygote_process``.

A package that brings modules of its own under a name that is imported there (a botocore, a psycopg) must run on its
own: its sandbox is started anew, and so is every sandbox where there is no fork to be trusted (anywhere but on Linux).
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from drillbook.embedded.functions import zygote_process
from drillbook.embedded.functions.sandbox_process import Order, Process, start_anew

_PATIENCE = 30.0
"""Seconds for the zygote's imports, and for one fork."""
_FROM_HOST = ("PATH", "LD_LIBRARY_PATH")
_KILLED = -9


class Forked:
    """A sandbox's process that is the zygote's child; what there is to know of it, the zygote tells."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], kill: Callable[[int], None]) -> None:
        self.pid, self.stdin, self.stdout = 0, stdin, stdout
        self.error = ""
        self.answered, self._exited = threading.Event(), threading.Event()
        self._code, self._kill = _KILLED, kill

    def poll(self) -> int | None:
        return self._code if self._exited.is_set() else None

    def wait(self) -> int:
        self._exited.wait()
        return self._code

    def kill(self) -> None:
        if not self._exited.is_set():
            self._kill(self.pid)

    def exited(self, code: int) -> None:
        self._code = code
        self._exited.set()
        self.answered.set()


class Zygote:
    """Starts sandboxes for one cloud. Its process begins with the first of them, and begins again if it ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._line: _Line | None = None

    def start(self, order: Order) -> Process:
        """Raises OSError if the machine has no room for another process."""
        if sys.platform != "linux":
            return start_anew(order)
        line = self._open_line()
        if not line.ready.wait(_PATIENCE) or line.ended or _brings_its_own(order.code, line.preloaded):
            return start_anew(order)
        return line.order(order)

    def close(self) -> None:
        """End the process. Its children end with their lifelines, or are killed before."""
        with self._lock:
            if self._line is not None:
                self._line.close()

    def _open_line(self) -> _Line:
        with self._lock:
            if self._line is None or self._line.ended:
                self._line = _Line(self._folder)
            return self._line


def _brings_its_own(code: Path, preloaded: frozenset[str]) -> bool:
    return not preloaded.isdisjoint(entry.name.partition(".")[0] for entry in code.iterdir())


class _Line:
    """The socket to one zygote process, and all its children."""

    def __init__(self, folder: Path) -> None:
        self.preloaded: frozenset[str] = frozenset()
        self.ready = threading.Event()
        self.ended = False
        self._numbers = itertools.count()
        self._ordered: dict[int, Forked] = {}
        self._living: dict[int, Forked] = {}
        self._sending, self._known = threading.Lock(), threading.Lock()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = self._begin(theirs)
        threading.Thread(target=self._listen, name="zygote", daemon=True).start()

    def _begin(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in _FROM_HOST if name in os.environ}
        environment |= {"LANG": "en_US.UTF-8", "TZ": ":UTC"}
        command = [sys.executable, "-P", zygote_process.__file__]
        try:
            return subprocess.Popen(command, cwd=self._folder, env=environment, stdin=theirs.fileno())
        except OSError:
            self._socket.close()
            raise

    def order(self, order: Order) -> Process:
        stdin_theirs, stdin_ours = os.pipe()
        stdout_ours, stdout_theirs = os.pipe()
        forked = Forked(os.fdopen(stdin_ours, "wb", 0), os.fdopen(stdout_ours, "rb"), self._kill)
        number = next(self._numbers)
        with self._known:
            self._ordered[number] = forked
        told = {"order": number, "handler": order.handler, "code": str(order.code)}
        try:
            self._send({**told, "environment": dict(order.environment)}, [stdin_theirs, stdout_theirs])
        finally:
            os.close(stdin_theirs)
            os.close(stdout_theirs)
        if not forked.answered.wait(_PATIENCE) or not forked.pid:
            forked.stdin.close()
            forked.stdout.close()
            raise OSError(forked.error or "the process that sandboxes are forked from does not answer")
        return forked

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._process.wait()

    def _kill(self, pid: int) -> None:
        if not self.ended:
            self._send({"kill": pid}, [])

    def _send(self, said: dict[str, Any], descriptors: list[int]) -> None:
        body = json.dumps(said).encode()
        with self._sending:
            socket.send_fds(self._socket, [zygote_process.HEAD.pack(len(body))], descriptors)
            self._socket.sendall(body)

    def _listen(self) -> None:
        with self._socket.makefile("r", encoding="utf-8") as heard:
            try:
                for line in heard:
                    self._hear(json.loads(line))
            except (OSError, ValueError):  # It was cut off in the middle of a line.
                pass
        self._process.wait()
        self._all_gone()
        self._socket.close()

    def _hear(self, said: dict[str, Any]) -> None:
        if "preloaded" in said:
            self.preloaded = frozenset(said["preloaded"])
            self.ready.set()
        elif "exited" in said:
            with self._known:
                gone = self._living.pop(said["exited"])
            gone.exited(said["status"])
        else:
            self._born(said)

    def _born(self, said: dict[str, Any]) -> None:
        with self._known:
            forked = self._ordered.pop(said["order"])
            if "pid" in said:
                forked.pid = said["pid"]
                self._living[forked.pid] = forked
        forked.error = said.get("error", "")
        forked.answered.set()

    def _all_gone(self) -> None:
        """Nobody tells of the children any more. Without their lifelines they end."""
        with self._known:
            self.ended = True
            orphans = [*self._living.values(), *self._ordered.values()]
            self._living, self._ordered = {}, {}
        self.ready.set()
        for forked in orphans:
            forked.stdin.close()
            forked.exited(_KILLED)
