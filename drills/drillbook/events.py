"""The one stream of what happens in a drill. The live display, Allure, the page and the evidence all read it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from drillbook.clock import Clock, utc_text

Json = Any
"""A value that ``json.dumps`` takes: str, int, float, bool, None, list and dict of these."""


class EventKind(StrEnum):
    STARTED = "started"
    """A drill begins. data: service, target, basis, feature, run_id"""
    STAGE = "stage"
    """A stage begins. name: preflight | stand up | baseline | inject | lift | detect | recover | cut over | verify |
    judge | heal"""
    INSTANT = "instant"
    """A measured instant. name: t_baseline | t_inject | t_lifted | t_detect | t_declare | t_exec0 | t_exec1 ...; data:
    fault or plan, if it is of one"""
    STEP_STARTED = "step started"
    """A recovery step begins. name: the step; data: plan, phase, budget (seconds), manual"""
    STEP_ENDED = "step ended"
    """data: plan, phase, seconds, budget, outcome (done | skipped | failed), attempts, error"""
    READING = "reading"
    """A probe was read. name: the probe; data: ok (true | false | null), value"""
    CALL = "call"
    """One API call or command. name: service.operation or argv[0]; data: request_id, seconds, status, error, actor"""
    JOURNAL = "journal"
    """A change moved on. name: the change; data: id, state (intent | applied | healed)"""
    CHECK = "check"
    """An integrity or configuration check. name; data: ok, detail"""
    NOTE = "note"
    """Something a reader should know. name: the sentence"""
    JUDGED = "judged"
    """The judge has measured; the verdict is to come. data: objectives, rto, rpo, windows, lost, … as in results"""
    VERDICT = "verdict"
    """data: the drill's result, as in results.json"""
    ENDED = "ended"


@dataclass(frozen=True)
class Event:
    """``at`` is monotonic seconds, ``utc`` the same moment for people. ``data`` is JSON and holds no secret."""

    kind: EventKind
    name: str
    at: float
    utc: datetime
    data: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        return {
            "kind": str(self.kind),
            "name": self.name,
            "at": self.at,
            "utc": utc_text(self.utc),
            **self.data,
        }


Listener = Callable[[Event], None]


class EventStream:
    """Emits to every listener, in order, from whichever thread; keeps what was emitted."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.events: list[Event] = []
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()

    def listen(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.append(listener)

    def emit(self, kind: EventKind, name: str, **data: Json) -> Event:
        """Stamp, keep and hand on one event."""
        with self._lock:
            event = Event(kind, name, self.clock.monotonic(), self.clock.now(), data)
            self.events.append(event)
            for listener in self._listeners:
                listener(event)
            return event


def since_the_fault(instants: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Instants (name, monotonic seconds) without those of plans that ran before the fault struck.

    What was prepared, such as a snapshot, is no recovery from it. All of them where no fault struck.
    """
    told = list(instants)
    struck = next((at for name, at in told if name == "t_inject"), -math.inf)
    return [(name, at) for name, at in told if name not in ("t_exec0", "t_exec1") or at >= struck]
