"""The canary's own process: operation ``i`` leaves at ``t0 + i/rate``, whatever became of the ones before it.

A client that waits for its last answer before it asks again does not see an outage, it sleeps through it
(coordinated omission). Hence a schedule, and as many workers as can be waiting at once.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

from drillbook.clock import Clock, SystemClock
from drillbook.egress import Guard
from drillbook.errors import DrillbookError
from drillbook.events import Json
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.cpu_wait import cpu_wait
from drillbook.measure.front_door import FrontDoor, HttpFrontDoor
from drillbook.measure.history import HistoryWriter, Op
from drillbook.measure.ledger import Errand, Ledger


class OpenLoop:
    """Keeps the schedule until told to stop, then lets what is outstanding come to its end."""

    def __init__(self, door: FrontDoor, settings: CanarySettings, history: HistoryWriter, clock: Clock) -> None:
        self._door, self._settings, self._history, self._clock = door, settings, history, clock
        self._ledger = Ledger(settings, door.kinds)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._failure: BaseException | None = None

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Raises what broke the canary itself; what the service does is only written down."""
        start = self._clock.monotonic() + 1 / self._settings.rate
        with ThreadPoolExecutor(self._settings.workers, thread_name_prefix="canary") as workers:
            i = 0
            while not self._stop.wait(max(0.0, start + i / self._settings.rate - self._clock.monotonic())):
                workers.submit(self._operate, i, start + i / self._settings.rate).add_done_callback(self._surface)
                i += 1
        if self._failure:
            raise self._failure
        self._history.end()

    def _operate(self, i: int, due: float) -> None:
        with self._lock:
            errand = self._ledger.next(due)
        waited, sent = cpu_wait(), self._clock.monotonic()
        answer = self._door.ask(errand.f, errand.key, errand.ver)
        done, waited = self._clock.monotonic(), cpu_wait() - waited
        with self._lock:
            self._ledger.note(errand, answer.res, answer.seen, done)
        self._history.op(_op(i, errand, due, sent, done, answer.res, answer.status, answer.seen, waited))

    def _surface(self, outcome: Future[None]) -> None:
        """A thread pool keeps errors to itself; a canary that cannot write its history must die of it."""
        if error := outcome.exception():
            self._failure = error
            self._stop.set()


def _op(i: int, errand: Errand, due: float, sent: float, done: float, *answer: Json) -> Op:
    return Op(i, errand.f, errand.key, errand.ver, due, sent, done, *answer)


def _listen(orders: TextIO, loop: OpenLoop) -> None:
    """``stop`` on standard input, or its end (whoever started us is gone), ends the schedule."""
    for line in orders:
        if line.strip() == "stop":
            break
    loop.stop()


def _steady_process() -> None:
    """Collections and long slices of other threads would make operations leave late."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    sys.setswitchinterval(0.001)


def main(arguments: list[str] | None = None) -> int:
    """``python -m drillbook.measure.canary --config FILE|- --out FILE``; ``-``: one line of standard input."""
    parser = argparse.ArgumentParser(prog="drillbook.measure.canary", description=__doc__)
    parser.add_argument(
        "--config", required=True, help="JSON file with front_door and settings; - for one line of stdin"
    )
    parser.add_argument("--out", required=True, type=Path, help="the history to write; must not exist")
    options = parser.parse_args(arguments)
    config = json.loads(sys.stdin.readline() if options.config == "-" else Path(options.config).read_text())
    clock, settings = SystemClock(), CanarySettings.from_json(config["settings"])
    if config.get("guarded"):
        Guard().raise_()
    try:
        door = HttpFrontDoor(config["front_door"], timeout=settings.timeout, clock=clock)
        with HistoryWriter(options.out, settings.as_json(), clock) as history:
            loop = OpenLoop(door, settings, history, clock)
            threading.Thread(target=_listen, args=(sys.stdin, loop), daemon=True).start()
            _steady_process()
            loop.run()
    except (DrillbookError, OSError) as error:
        print(f"the canary died: {error}", file=sys.stderr)  # noqa: T201 - the parent reads this
        return error.exit_code if isinstance(error, DrillbookError) else 4
    return 0
