"""Run one command of a service file: without a shell, bounded in time and output, redacted, told as one event."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from drillbook.aws.calls import actor
from drillbook.clock import Clock
from drillbook.errors import PermanentError, TemporaryError
from drillbook.events import EventKind
from drillbook.placeholders import for_people
from drillbook.shell.environment import environment_of
from drillbook.units import duration_text

if TYPE_CHECKING:
    from drillbook.world import World

KEPT = 256 * 1024
"""Bytes kept of each stream: the last ones."""
GRACE = 2.0
"""Seconds between asking a command that is out of time to end, and killing it."""
TRY_AGAIN = os.EX_TEMPFAIL
"""Exit status 75 (sysexits.h: EX_TEMPFAIL): the command asks to be tried again."""


@dataclass(frozen=True)
class Command:
    """``cwd`` defaults to the service's folder; ``timeout`` is in seconds and covers the command's children too."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    timeout: float
    stdin: str = ""


@dataclass(frozen=True)
class Finished:
    """How a command ended. ``status`` is its exit status, negative for a signal. ``out`` may hold secrets."""

    label: str
    status: int
    seconds: float
    out: str
    tail: str
    """The end of what it said, fit for people: redacted, without this machine's paths."""
    timed_out: bool

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out

    def __str__(self) -> str:
        return f"exit status {self.status}" if not self.timed_out else f"no end within {duration_text(self.seconds)}"

    def expect_success(self) -> None:
        """Raises TemporaryError for exit status 75, PermanentError for any other failure or a time-out."""
        if self.ok:
            return
        what = f"the command {self.label} failed: {self}" + (f": {_last_line(self.tail)}" if self.tail else "")
        if self.status == TRY_AGAIN and not self.timed_out:
            raise TemporaryError(what, code=str(self.status))
        raise PermanentError(what, code=str(self.status), do="run the command by hand, or raise its timeout")


def run(world: World, command: Command) -> Finished:
    """Run ``command`` to its end, and all its children to theirs if time is up. Emits EventKind.CALL.

    Raises PermanentError if there is no such program; a failing command is not an error here.
    """
    label = for_people(world, " ".join(command.argv[:3]))
    began = world.clock.monotonic()
    with _spawn(world, command) as process:
        streams = _Streams(process, command.stdin)
        in_time = streams.watch(world.clock, began + command.timeout)
    out, err = (bytes(kept).decode(errors="replace") for kept in (streams.out, streams.err))
    finished = Finished(
        label=label,
        status=process.returncode,
        seconds=world.clock.monotonic() - began,
        out=out,
        tail=_tail(world, err.strip() or out.strip()),
        timed_out=not in_time,
    )
    _tell(world, command, finished)
    return finished


def _spawn(world: World, command: Command) -> subprocess.Popen[bytes]:
    environment = environment_of(world, command.env)
    program = shutil.which(_beside(world.service.folder, command.argv[0]), path=environment.get("PATH"))
    if program is None:
        name = for_people(world, command.argv[0])
        raise PermanentError(f"there is no program {name!r}", do="install it, or correct the path in service.yaml")
    argv = [*_dying_with_us(), program, *command.argv[1:]]
    try:
        return subprocess.Popen(
            argv,
            cwd=world.service.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        what = f"the program {for_people(world, command.argv[0])!r} cannot be started: {error}"
        raise PermanentError(for_people(world, what), do="correct the command in service.yaml") from error


def _beside(folder: Path, program: str) -> str:
    """A relative path is meant from the service's folder; a bare word is looked up on PATH."""
    return str(folder / program) if "/" in program else program


def _dying_with_us() -> list[str]:
    """On Linux a command ends with the drill: one that outlives a killed drill could strike after the heal."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    whole = setpriv is not None and Path(setpriv).resolve().name == "setpriv"  # busybox's lacks the option
    return [str(setpriv), "--pdeathsig", "KILL", "--"] if whole else []


def _tell(world: World, command: Command, finished: Finished) -> None:
    world.events.emit(
        EventKind.CALL,
        Path(command.argv[0]).name,
        command=finished.label,
        actor=actor(),
        seconds=finished.seconds,
        status=finished.status,
        error="timed out" if finished.timed_out else "",
        tail=finished.tail,
    )


def _tail(world: World, text: str) -> str:
    return for_people(world, "\n".join(text.splitlines()[-40:]))[-1000:]


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1][:300]


class _Streams:
    """Feeds standard input and keeps the end of both outputs, without threads and without unbounded memory."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: str) -> None:
        self.process, self.out, self.err = process, bytearray(), bytearray()
        self._input = memoryview(stdin.encode())
        self._selector = selectors.DefaultSelector()
        for stream, kept in ((process.stdout, self.out), (process.stderr, self.err)):
            self._add(stream, selectors.EVENT_READ, kept)
        self._add(process.stdin, selectors.EVENT_WRITE, None)

    def watch(self, clock: Clock, deadline: float) -> bool:
        """Did the command end by itself before ``deadline``? If not, or if we are interrupted, all of it is killed."""
        try:
            while self.process.poll() is None and (left := deadline - clock.monotonic()) > 0:
                self._pump(min(left, 0.05))
            return self.process.poll() is not None
        finally:
            self._end()
            self._drain()
            self._selector.close()

    def _add(self, stream: IO[bytes] | None, event: int, kept: bytearray | None) -> None:
        if stream is not None:
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, event, kept)

    def _pump(self, seconds: float) -> None:
        """Move what can be moved, and wait at most ``seconds`` for it."""
        if not self._selector.get_map():
            self._wait(seconds)
        for key, _ in self._selector.select(seconds) if self._selector.get_map() else ():
            self._move(key)

    def _drain(self) -> None:
        """What was said before the end. Bounded, for a server left running may go on talking."""
        for _ in range(64):
            ready = [key for key, _ in self._selector.select(0) if key.data is not None]
            for key in ready:
                self._move(key)
            if not ready:
                return

    def _move(self, key: selectors.SelectorKey) -> None:
        kept: bytearray | None = key.data
        if kept is None:
            self._feed(key)
        elif block := os.read(key.fd, 65536):
            kept += block
            _forget_all_but_the_end(kept)
        else:
            self._selector.unregister(key.fileobj)

    def _feed(self, key: selectors.SelectorKey) -> None:
        try:
            self._input = self._input[os.write(key.fd, self._input[:65536]) :]
        except BrokenPipeError:  # the command does not read its input, which is its right
            self._input = self._input[:0]
        if not self._input and self.process.stdin is not None:
            self._selector.unregister(key.fileobj)
            self.process.stdin.close()

    def _wait(self, seconds: float) -> bool:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _end(self) -> None:
        """A command that ended by itself may leave a server running; one that did not leaves nothing."""
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        self._wait(GRACE)
        _kill_group(self.process.pid)
        self.process.wait()


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left, or macOS counts only zombies


def _forget_all_but_the_end(kept: bytearray) -> None:
    """Cut at a line's start, so that no half secret escapes redaction."""
    if len(kept) > 2 * KEPT:
        cut = kept.find(b"\n", len(kept) - KEPT) + 1
        del kept[: cut or len(kept)]
