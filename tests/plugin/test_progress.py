"""Live progress: lines in a log, a panel on a terminal, and never a disturbance."""

from __future__ import annotations

import io
import re
import threading
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from drillbook.clock import SystemClock, VirtualClock
from drillbook.events import EventKind, EventStream
from drillbook.waiting import wait_for
from drillbook_steps.progress import Progress, Scene


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def canary(bad: int, clock: VirtualClock | SystemClock) -> Any:
    """Ten operations of the last second, the first ``bad`` of them bad."""
    now = clock.monotonic()
    ops = [
        SimpleNamespace(
            sent=now - number / 20,
            done=now - number / 20,
            latency=0.01,
            stale=False,
            f="read",
            status="HTTP 502",
            res="info" if number < bad else "ok",
        )
        for number in range(10)
    ]
    return SimpleNamespace(slow=1.0, recent=deque(ops), last_bad=ops[0] if bad else None)


def drill(events: EventStream, clock: VirtualClock) -> None:
    events.emit(EventKind.STARTED, "Store lost", service="notes-http", target="local")
    events.emit(EventKind.STAGE, "inject")
    events.emit(EventKind.INSTANT, "t_inject")
    clock.sleep(2.5)
    events.emit(EventKind.READING, "notes can be listed", ok=False, value="connection refused")
    events.emit(EventKind.READING, "notes can be listed", ok=False, value="connection refused")
    events.emit(EventKind.INSTANT, "t_detect")
    data = {"plan": "restore", "phase": "recover", "budget": 60.0}
    events.emit(EventKind.STEP_STARTED, "start the service", manual=False, **data)
    clock.sleep(4.0)
    events.emit(EventKind.STEP_ENDED, "start the service", seconds=4.0, outcome="failed", error="port taken", **data)
    events.emit(EventKind.CHECK, "notes are there", ok=None, detail="no answer")
    events.emit(EventKind.VERDICT, "FAIL", causes=[])


def test_a_log_gets_a_line_for_each_stage_step_and_instant() -> None:
    clock, stream = VirtualClock(), io.StringIO()
    progress, events = Progress(stream, clock=clock, is_tty=False), EventStream(clock)
    progress.watch(events, lambda: None)
    drill(events, clock)
    progress.done()
    lines = stream.getvalue().splitlines()
    assert all(re.match(r"00:00:\d\dZ ", line) for line in lines)
    assert [line.partition(" ")[2] for line in lines] == [
        "drillbook: preparing the drill",
        "drill: Store lost (notes-http on local)",
        "inject",
        "  the fault is in effect",
        "  ✗ notes can be listed: connection refused",
        "  detected, 2.5 s after the fault",
        "  step: start the service (budget 1 min)",
        "  ✗ start the service: failed, 4 s of 1 min: port taken",
        "  ? check notes are there: no answer",
        "verdict: FAIL",
    ]


def test_the_first_line_comes_with_the_watch_itself() -> None:
    stream = io.StringIO()
    progress = Progress(stream, clock=VirtualClock(), is_tty=False)
    progress.watch(EventStream(VirtualClock()), lambda: None)
    assert "preparing" in stream.getvalue()
    progress.done()


def test_a_silent_log_gets_a_heartbeat_with_step_and_canary() -> None:
    clock, stream = SystemClock(), io.StringIO()
    progress, events = Progress(stream, clock=clock, is_tty=False, heartbeat=0.05), EventStream(clock)
    progress.watch(events, lambda: canary(3, clock))
    events.emit(EventKind.STAGE, "recover")
    events.emit(EventKind.STEP_STARTED, "restore", budget=60.0)
    wait_for("a heartbeat", lambda: "… recover" in stream.getvalue(), timeout=5, clock=clock, interval=0.01)
    progress.done()
    beat = next(line for line in stream.getvalue().splitlines() if "… recover" in line)
    assert "restore " in beat
    assert "of 1 min" in beat
    assert "canary 10/s, 7 good and 3 bad in the last second, last bad read HTTP 502" in beat


def test_a_canary_that_fell_silent_is_not_shown_as_working() -> None:
    clock = VirtualClock()
    state = canary(3, clock)
    scene = Scene(clock, lambda: state)
    assert "10/s" in scene.canary()
    clock.sleep(30)
    assert scene.canary() == "canary silent for 30 s"


def test_after_done_nothing_more_is_said() -> None:
    clock, stream = SystemClock(), io.StringIO()
    progress, events = Progress(stream, clock=clock, is_tty=False, heartbeat=0.02), EventStream(clock)
    progress.watch(events, lambda: None)
    progress.done()
    said = stream.getvalue()
    events.emit(EventKind.STAGE, "recover")
    clock.sleep(0.1)
    assert stream.getvalue() == said
    assert not any(thread.name == "progress" for thread in threading.enumerate())


def test_a_quiet_run_says_nothing() -> None:
    progress, events = Progress(None, clock=VirtualClock()), EventStream(VirtualClock())
    progress.watch(events, lambda: None)
    drill(events, VirtualClock())
    progress.say("nothing")
    progress.done()


def test_a_closed_stream_does_not_disturb_the_drill() -> None:
    clock, stream = VirtualClock(), io.StringIO()
    progress, events = Progress(stream, clock=clock, is_tty=False), EventStream(clock)
    progress.watch(events, lambda: None)
    stream.close()
    drill(events, clock)
    assert len(events.events) == 10
    progress.done()


def test_a_terminal_gets_a_panel_with_stage_step_and_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stream = SystemClock(), Terminal()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    progress, events = Progress(stream, clock=clock), EventStream(clock)
    progress.watch(events, lambda: canary(3, clock))
    events.emit(EventKind.STARTED, "Store lost", service="notes-http", target="local")
    events.emit(EventKind.STAGE, "recover")
    events.emit(EventKind.INSTANT, "t_inject")
    events.emit(EventKind.STEP_STARTED, "restore", budget=60.0)

    def shown() -> bool:
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
        return all(part in plain for part in ("Store lost", "since the fault", "of 60 s", "7 good and 3 bad"))

    wait_for("the panel", shown, timeout=5, clock=clock, interval=0.05)
    progress.done()
    assert "step: restore" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in stream.getvalue()


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_a_ci_log_is_no_terminal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    stream = Terminal()
    progress = Progress(stream, clock=VirtualClock())
    progress.watch(EventStream(VirtualClock()), lambda: None)
    progress.done()
    assert "\x1b" not in stream.getvalue()


def test_what_is_said_from_a_signal_handler_does_not_lock_up() -> None:
    clock, stream = VirtualClock(), io.StringIO()
    progress = Progress(stream, clock=clock, is_tty=False)

    class Interrupting(io.StringIO):
        depth = 0

        def write(self, text: str) -> int:
            if not self.depth:
                self.depth = 1
                progress.say("interrupted; healing first")
            elif self.depth == 1 and "a line" not in text:
                raise RuntimeError("reentrant call")  # as a BufferedWriter says
            written = super().write(text)
            self.depth = 2
            return written

    progress._stream = Interrupting()
    progress.say("a line")
    assert [line[10:] for line in progress._stream.getvalue().splitlines()] == ["a line", "interrupted; healing first"]
