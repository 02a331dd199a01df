"""The canary as its drill sees it: started, watched, stopped. It works in a process of its own (``open_loop``), so that
nothing the drill does makes an operation leave late, and the death of the drill ends it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from drillbook import egress
from drillbook.clock import Clock, SystemClock
from drillbook.errors import DrillBroken
from drillbook.events import Json
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.history import ABSENT, WRITES, Kind, Op, Res, tail
from drillbook.measure.open_loop import main
from drillbook.waiting import wait_for


@dataclass
class LiveState:
    """What the canary has seen so far, for the live display and for deciding when to stop looking. No verdict."""

    slow: float
    ops: int = 0
    acknowledged: int = 0
    """Writes."""
    bad: int = 0
    """Operations that were refused, unanswered or slow."""
    last: Op | None = None
    last_bad: Op | None = None
    good_since: float = 0.0
    """When the last bad operation (or the first of all) was sent."""
    unproven: set[Kind] = field(default_factory=set)
    """Kinds that went badly at some time and have not gone well since the last bad operation of any kind was over."""
    bad_kinds: set[Kind] = field(default_factory=set)
    over: float = 0.0
    """When the last bad operation was over."""
    missing: set[str] = field(default_factory=set)
    """Keys that showed less than was acknowledged when last looked at: not restored yet, or lost for good."""
    recent: deque[Op] = field(default_factory=lambda: deque(maxlen=200))

    def note(self, op: Op) -> None:
        if self.last is None:
            self.good_since = op.sent
        self.ops += 1
        self.acknowledged += op.res is Res.OK and op.f in WRITES
        self.last = op if self.last is None or op.sent > self.last.sent else self.last
        self.recent.append(op)
        self._note_record(op)
        if op.latency > self.slow or not (op.res is Res.OK or self._met_nothing(op)):
            self._note_bad(op)
        elif self._met_nothing(op):
            self.bad_kinds.add(op.f)
            self.unproven.add(op.f)
        elif not op.stale and op.sent >= self.over:
            self.unproven.discard(op.f)

    def _note_record(self, op: Op) -> None:
        if op.stale or self._met_nothing(op):
            self.missing.add(op.key)
        elif op.res is Res.OK:
            self.missing.discard(op.key)

    def _note_bad(self, op: Op) -> None:
        self.bad += 1
        self.bad_kinds.add(op.f)
        self.unproven = set(self.bad_kinds)
        self.over = max(self.over, min(op.done, op.sent + self.slow))
        self.last_bad, self.good_since = op, max(self.good_since, op.sent)

    @staticmethod
    def _met_nothing(op: Op) -> bool:
        """A write that was refused because its record is not there."""
        return op.res is Res.FAIL and op.seen == ABSENT

    @property
    def good_for(self) -> float:
        """Seconds from the last bad operation (or the first of all) to the last operation, by when they were sent.

        Missing records do not count: whether they are lost for good, only the final state tells.
        """
        return self.last.sent - self.good_since if self.last else 0.0


class Canary:
    """A running canary. Make one with ``Canary.start``."""

    def __init__(
        self, process: subprocess.Popen[str], out: Path, settings: CanarySettings, state: LiveState, clock: Clock
    ) -> None:
        self._process, self.out, self.settings, self._clock = process, out, settings, clock
        self._offset, self._state = 0, state

    @classmethod
    def start(
        cls,
        front_door: Mapping[str, Json],
        settings: CanarySettings,
        out: Path,
        *,
        slow: float = 1.0,
        remember: int = 200,
        timeout: float = 15.0,
        clock: Clock | None = None,
    ) -> Canary:
        """Start it and wait until its first operation has ended.

        ``slow``: the latency bound, and ``remember``: how many operations to keep, both for ``tail`` only.

        The front door may hold secrets, so it is handed over on standard input: no file, no command line.
        Raises DrillBroken with what the canary said when it dies, WaitTimeout when no operation ends in ``timeout`` s.
        """
        out.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "drillbook.measure.canary", "--config", "-", "--out", str(out)]
        with _stderr_of(out).open("w") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=said, stderr=said, text=True, start_new_session=True
            )
        canary = cls(process, out, settings, LiveState(slow, recent=deque(maxlen=remember)), clock or SystemClock())
        canary._order(
            json.dumps({"front_door": front_door, "settings": settings.as_json(), "guarded": egress.is_shut()})
        )
        try:
            canary._await_first(timeout)
        except BaseException:
            canary.kill()
            raise
        return canary

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def tail(self) -> LiveState:
        """The state after everything that has ended by now."""
        fresh, self._offset = tail(self.out, self._offset)
        for op in fresh:
            self._state.note(op)
        return self._state

    def stop(self, drain: float | None = None) -> bool:
        """Stop the schedule and wait ``drain`` seconds for what is outstanding (default: timeout + 5).

        True when the canary ended its history itself; False when it was dead already or had to be killed.
        """
        self._order("stop")
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()
        try:
            return self._process.wait(self.settings.timeout + 5 if drain is None else drain) == 0
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()

    def _order(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):  # dead already: that is for `alive` and `stop` to say
            self._pipe.write(line + "\n")
            self._pipe.flush()

    @property
    def _pipe(self) -> IO[str]:
        if self._process.stdin is None:
            raise AssertionError("the canary is started with a pipe")
        return self._process.stdin

    def _await_first(self, timeout: float) -> None:
        def first() -> bool:
            if not self.alive:
                said = " ".join(_stderr_of(self.out).read_text().split())[-500:]
                raise DrillBroken(
                    f"the canary did not start: {said or 'it said nothing'}", do="check front_door and canary"
                )
            return self.tail().ops > 0

        wait_for(
            "the canary's first operation",
            first,
            timeout=timeout,
            clock=self._clock,
            interval=0.02,
            do="check that the machine is not overloaded",
        )


def _stderr_of(out: Path) -> Path:
    return out.with_suffix(".stderr")


if __name__ == "__main__":
    sys.exit(main())
