"""What a drill shows while it runs: a live panel on a terminal, timestamped lines elsewhere.

Both follow the drill's event stream; neither can disturb the drill. Lines: one for each stage, step, instant and
reading that changed, and a heartbeat when nothing else was said. On a terminal the same lines scroll by above a panel
with the stage, the running step against its budget, and the canary.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TextIO

from drillbook.clock import Clock
from drillbook.events import Event, EventKind, EventStream
from drillbook.units import duration_text

if TYPE_CHECKING:
    from drillbook_steps.progress_panel import Panel

HEARTBEAT = 10.0
"""Seconds without a line after which a log says that the drill is alive."""

INSTANTS = {
    "t_baseline": "the service is in steady state",
    "t_inject": "the fault is in effect",
    "t_detect": "detected",
    "t_lifted": "the fault is over",
    "t_exec0": "recovery begins",
    "t_exec1": "the plan is done",
    "t_verified": "recovery is verified",
    "t_cut0": "the planned cut-over begins",
    "t_cut1": "the cut-over is made",
}


class Operation(Protocol):
    @property
    def sent(self) -> float: ...
    @property
    def done(self) -> float: ...
    @property
    def latency(self) -> float: ...
    @property
    def res(self) -> str: ...
    @property
    def f(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def stale(self) -> bool: ...


class CanaryState(Protocol):
    """What is asked of the canary's live state (``drillbook.measure.canary.LiveState``)."""

    @property
    def slow(self) -> float: ...
    @property
    def last_bad(self) -> Operation | None: ...
    @property
    def recent(self) -> Sequence[Operation]: ...


class Progress:
    """Shows the drills of one run, one after another. ``stream`` None shows nothing."""

    def __init__(
        self,
        stream: TextIO | None,
        *,
        clock: Clock,
        is_tty: bool | None = None,
        heartbeat: float = HEARTBEAT,
        speaker: str = "",
    ) -> None:
        """``is_tty`` None: ask the stream, and take a CI's terminal (``CI`` is set) for a log. ``speaker`` stands in
        each line, where several speak at once."""
        self._speaker = f"{speaker} " if speaker else ""
        self.clock, self._stream, self._heartbeat = clock, stream, heartbeat
        self._tty = _is_live(stream, os.environ) if is_tty is None else is_tty
        self._lock = threading.RLock()  # say() is also called from signal handlers, whatever the thread is doing
        self._ended = threading.Event()
        self._spoken = clock.monotonic()
        self._unsaid: deque[str] = deque()
        self._saying = False
        self._panel: Panel | None = None
        self.scene: Scene | None = None

    def watch(self, events: EventStream, canary_state: Callable[[], CanaryState | None]) -> None:
        """Begin to show a drill. The first line comes at once."""
        self.done()
        if self._stream is None:
            return
        self.scene = Scene(self.clock, canary_state)
        self._ended = threading.Event()
        if self._tty:
            self._start_panel(self._stream, self.scene)
        self.say("drillbook: preparing the drill")
        events.listen(self._on)
        if not self._tty:
            threading.Thread(target=self._beat, args=(self._ended,), name="progress", daemon=True).start()

    def say(self, words: str) -> None:
        """One line, with the time of day in UTC.

        A signal handler may call this in the middle of another line, where a stream refuses to be written to: what it
        says comes after that line.
        """
        if self._stream is None:
            return
        with self._lock:
            self._spoken = self.clock.monotonic()
            self._unsaid.append(f"{self.clock.now():%H:%M:%SZ} {self._speaker}{words}")
            if self._saying:
                return
            self._saying = True
            try:
                while self._unsaid:
                    self._write(self._stream, self._unsaid.popleft())
            finally:
                self._saying = False

    def _write(self, stream: TextIO, line: str) -> None:
        with suppress(OSError, ValueError):  # nobody is reading any more; the drill goes on
            if self._panel is not None:
                self._panel.say(line)
            else:
                stream.write(line + "\n")
                stream.flush()

    def done(self) -> None:
        """Stop showing. May be called again."""
        self._ended.set()
        panel, self._panel = self._panel, None
        if panel is not None:
            panel.stop()

    def _start_panel(self, stream: TextIO, scene: Scene) -> None:
        from drillbook_steps.progress_panel import Panel

        self._panel = Panel(stream, scene)

    def _on(self, event: Event) -> None:
        if self.scene is None or self._ended.is_set():
            return
        for words in self.scene.take(event):
            self.say(words)

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self._heartbeat / 10):
            if self.scene is not None and self.clock.monotonic() - self._spoken >= self._heartbeat:
                self.say(self.scene.pulse())


class Scene:
    """Where a drill stands, from its events. Knows no terminal."""

    def __init__(self, clock: Clock, canary_state: Callable[[], CanaryState | None]) -> None:
        self.clock, self.canary_state = clock, canary_state
        self.name, self.stage, self.verdict = "", "preflight", ""
        self.began = clock.monotonic()
        self.fault: float | None = None
        self.steps: dict[str, tuple[float, float | None]] = {}
        """Running steps: when they began, and their budget in seconds."""
        self._readings: dict[str, object] = {}

    def take(self, event: Event) -> list[str]:
        """Note an event; the lines it is worth."""
        told = {
            EventKind.STARTED: self._started,
            EventKind.STAGE: self._stage,
            EventKind.INSTANT: self._instant,
            EventKind.STEP_STARTED: self._step_started,
            EventKind.STEP_ENDED: self._step_ended,
            EventKind.READING: self._reading,
            EventKind.CHECK: self._check,
            EventKind.NOTE: self._note,
            EventKind.VERDICT: self._judged,
        }.get(event.kind)
        words = told(event) if told else ""
        return [words] if words else []

    def pulse(self) -> str:
        """One line for a log in which nothing else happens."""
        return "; ".join(["  … " + self.stage, *self.running(), *filter(None, [self.canary()])])

    def running(self) -> list[str]:
        """Each running step with its time against its budget."""
        now = self.clock.monotonic()
        return [f"{name} {_against(now - began, budget)}" for name, (began, budget) in list(self.steps.items())]

    def canary(self) -> str:
        """``canary 20/s, 3 bad in the last second, last bad read HTTP 502``; empty without a canary."""
        state = self.canary_state()
        if state is None:
            return ""
        recent, now = list(state.recent), self.clock.monotonic()
        second = [op for op in recent if op.done > now - 1.0]
        if recent and not second:
            return f"canary silent for {duration_text(now - max(op.done for op in recent))}"
        bad = sum(not (op.res == "ok" and op.latency <= state.slow and not op.stale) for op in second)
        words = f"canary {len(second)}/s, {len(second) - bad} good and {bad} bad in the last second"
        if state.last_bad is not None:
            ago = duration_text(max(now - state.last_bad.sent, 0.0))
            words += f", last bad {state.last_bad.f} {state.last_bad.status or state.last_bad.res} {ago} ago"
        return words

    def since(self) -> str:
        """How long the drill has run, and how long the fault is ago."""
        now = self.clock.monotonic()
        told = duration_text(now - self.began)
        return told if self.fault is None else f"{told}, {duration_text(now - self.fault)} since the fault"

    def _started(self, event: Event) -> str:
        self.name = event.name
        return f"drill: {event.name} ({event.data.get('service', '')} on {event.data.get('target', '')})"

    def _stage(self, event: Event) -> str:
        self.stage = event.name
        return f"{event.name}"

    def _instant(self, event: Event) -> str:
        if event.name == "t_inject" and self.fault is None:
            self.fault = event.at
        words = INSTANTS.get(event.name)
        if not words:
            return ""
        if self.fault is None or event.at <= self.fault:
            return f"  {words}"
        return f"  {words}, {duration_text(event.at - self.fault)} after the fault"

    def _step_started(self, event: Event) -> str:
        budget = event.data.get("budget")
        self.steps[event.name] = (event.at, budget)
        allowed = f" (budget {duration_text(budget)})" if budget else ""
        return f"  step: {event.name}{allowed}{', by a person' if event.data.get('manual') else ''}"

    def _step_ended(self, event: Event) -> str:
        self.steps.pop(event.name, None)
        outcome, error = event.data.get("outcome", ""), event.data.get("error")
        took = _against(float(event.data.get("seconds") or 0.0), event.data.get("budget"))
        by_whom = f", acknowledged {who}" if (who := event.data.get("acknowledged")) else ""
        why = f": {error}" if error else ""
        return f"  {_sign(outcome == 'done' or outcome == 'skipped')} {event.name}: {outcome}, {took}{by_whom}{why}"

    def _reading(self, event: Event) -> str:
        seen = (event.data.get("ok"), event.data.get("value"))
        if self._readings.get(event.name) == seen:
            return ""
        self._readings[event.name] = seen
        return f"  {_sign(event.data.get('ok'))} {event.name}: {event.data.get('value', '')}"

    def _check(self, event: Event) -> str:
        return f"  {_sign(event.data.get('ok'))} check {event.name}: {event.data.get('detail', '')}"

    def _note(self, event: Event) -> str:
        return f"  {event.name}"

    def _judged(self, event: Event) -> str:
        self.verdict = event.name
        return f"verdict: {event.name}"


def _sign(ok: object) -> str:
    return "?" if ok is None else "✓" if ok else "✗"


def _against(seconds: float, budget: float | None) -> str:
    return f"{duration_text(seconds)} of {duration_text(budget)}" if budget else duration_text(seconds)


def _is_live(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    return (
        stream is not None
        and stream.isatty()
        and not environment.get("CI")
        and environment.get("TERM", "dumb") != "dumb"
    )
