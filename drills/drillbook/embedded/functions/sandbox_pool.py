"""The sandboxes of all functions: warm ones are used again, missing ones are started, superseded and idle ones end.

As on AWS a sandbox works on one event at a time and an event that finds none idle makes the fleet grow. Unlike AWS the
sandboxes share the few CPUs of one machine with the drill that watches them, so the growth is bounded: at most
``STARTS_AT_ONCE`` sandboxes of a function start at the same time, events wait for whichever is ready first, and code
that has just failed to start is not started again for ``FAILURE_HOLDS`` seconds (the events meanwhile get its failure).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from drillbook.clock import Clock
from drillbook.embedded.functions.sandbox import INIT_LIMIT, Blueprint, Outcome, Sandbox
from drillbook.embedded.functions.zygote import Zygote
from drillbook.errors import TargetError

STARTS_AT_ONCE = 2
SANDBOXES_OF_ONE_FUNCTION = 50
FAILURE_HOLDS = 1.0
IDLE_LIMIT = 300.0
HOUSEKEEPING = 5.0


@dataclass
class _Fleet:
    """The sandboxes of one blueprint."""

    idle: list[Sandbox] = field(default_factory=list)
    starting: int = 0
    waiting: int = 0
    failure: Outcome | None = None
    failed_at: float = float("-inf")
    superseded: bool = False


class RegionDark(Exception):
    """The function's region has no life now: its event was not worked on, or what it did ended half-way."""


class SandboxPool:
    """``clock`` is the machine's: sandboxes are real processes."""

    def __init__(self, scratch: Path, clock: Clock) -> None:
        self._scratch, self._clock, self._zygote = scratch, clock, Zygote(scratch)
        self._changed = threading.Condition()
        self._fleets: dict[Blueprint, _Fleet] = {}
        self._newest: dict[str, Blueprint] = {}
        self._living: set[Sandbox] = set()
        self._discarded: queue.SimpleQueue[Sandbox | None] = queue.SimpleQueue()
        self._dark: frozenset[str] = frozenset()
        self._closed = False
        threading.Thread(target=self._keep_house, name="sandbox-reaper", daemon=True).start()

    def run(self, blueprint: Blueprint, payload: bytes, request_id: str) -> tuple[Outcome, str]:
        """Run one event; say how it ended and which log stream it belongs to.

        Raises TargetError when no sandbox can be started: that is the cloud's fault, not the function's. Raises
        RegionDark when the function's region is dark, or goes dark before it has answered.
        """
        sandbox, fleet = self._take(blueprint)
        try:
            if isinstance(sandbox, Outcome):
                return replace(sandbox, request_id=request_id), ""
            outcome = sandbox.invoke(payload, request_id), sandbox.log_stream
        finally:
            if isinstance(sandbox, Sandbox):
                self._give_back(sandbox, fleet)
        if sandbox.lost:
            raise RegionDark(blueprint.function)
        return outcome

    def darken(self, regions: frozenset[str]) -> None:
        """From now on nothing runs in these regions, and nowhere else does anything change. In effect on return."""
        with self._changed:
            self._dark = regions
            for sandbox in [one for one in self._living if one.blueprint.region in regions]:
                sandbox.lose()
            for fleet in self._fleets.values():
                self._discard_idle(fleet, [one for one in fleet.idle if one.lost])
            self._changed.notify_all()

    def pids(self) -> list[int]:
        with self._changed:
            return [sandbox.pid for sandbox in self._living]

    def close(self) -> None:
        """End every sandbox before returning."""
        with self._changed:
            self._closed = True
            living = list(self._living)
            self._changed.notify_all()
        self._discarded.put(None)
        for sandbox in living:
            sandbox.close()
        self._zygote.close()

    def _take(self, blueprint: Blueprint) -> tuple[Sandbox | Outcome, _Fleet]:
        """An idle sandbox, or the failure of one that could not start; and the fleet it belongs to."""
        deadline = self._clock.monotonic() + INIT_LIMIT + HOUSEKEEPING * 2
        with self._changed:
            fleet = self._fleet(blueprint)
            fleet.waiting += 1
            try:
                while self._clock.monotonic() < deadline and not self._closed:
                    if blueprint.region in self._dark:
                        raise RegionDark(blueprint.function)
                    if taken := self._idle_or_failed(fleet):
                        return taken, fleet
                    if self._may_start(blueprint, fleet):
                        self._start(blueprint, fleet)
                    else:
                        self._changed.wait(deadline - self._clock.monotonic())
            finally:
                fleet.waiting -= 1
        raise TargetError(
            f"the embedded cloud has no sandbox for {blueprint.function}",
            do="look at the machine's load, or start the cloud again with: drillbook cloud up",
        )

    def _fleet(self, blueprint: Blueprint) -> _Fleet:
        """The blueprint's fleet; an older one of the same function version takes no new events."""
        newest = self._newest.get(blueprint.function)
        if newest != blueprint:
            self._newest[blueprint.function] = blueprint
            if newest is not None and newest in self._fleets:
                self._supersede(newest)
        return self._fleets.setdefault(blueprint, _Fleet())

    def _may_start(self, blueprint: Blueprint, fleet: _Fleet) -> bool:
        members = sum(sandbox.blueprint == blueprint for sandbox in self._living)
        return members < SANDBOXES_OF_ONE_FUNCTION and fleet.starting < min(fleet.waiting, STARTS_AT_ONCE)

    def _supersede(self, blueprint: Blueprint) -> None:
        fleet = self._fleets.pop(blueprint)
        fleet.superseded = True
        if not fleet.waiting:
            self._discard_idle(fleet)

    def _idle_or_failed(self, fleet: _Fleet) -> Sandbox | Outcome | None:
        while fleet.idle:
            sandbox = fleet.idle.pop()
            if sandbox.alive:
                return sandbox
            self._discarded.put(sandbox)
        fresh = self._clock.monotonic() - fleet.failed_at < FAILURE_HOLDS
        return fleet.failure if fresh else None

    def _start(self, blueprint: Blueprint, fleet: _Fleet) -> None:
        fleet.starting += 1
        self._changed.release()
        try:
            sandbox = Sandbox(
                blueprint, self._scratch, self._clock, lambda ready: self._is_ready(ready, fleet), self._zygote.start
            )
        except OSError as error:
            fleet.starting -= 1
            raise TargetError(
                f"the embedded cloud cannot start a sandbox for {blueprint.function}: {error}",
                do="free memory, disk or process slots on this machine",
            ) from error
        finally:
            self._changed.acquire()
        if blueprint.region in self._dark:
            sandbox.lose()
        if self._closed:
            sandbox.close()
        elif sandbox.start_error is None:
            self._living.add(sandbox)

    def _is_ready(self, sandbox: Sandbox, fleet: _Fleet) -> None:
        """Called by the sandbox, from a thread of its own, when it waits for an event or has failed to start."""
        with self._changed:
            fleet.starting -= 1
            if sandbox.start_error is not None and not sandbox.lost:
                fleet.failure, fleet.failed_at = sandbox.start_failure(), self._clock.monotonic()
            self._settle(sandbox, fleet, useful=sandbox.start_error is None)

    def _give_back(self, sandbox: Sandbox, fleet: _Fleet) -> None:
        with self._changed:
            self._settle(sandbox, fleet, useful=sandbox.alive)

    def _settle(self, sandbox: Sandbox, fleet: _Fleet, *, useful: bool) -> None:
        """Keep the sandbox for the next event or let it go; either way those who wait look again.

        A superseded fleet serves the events that came before its successor, then ends.
        """
        if useful and not self._closed:
            fleet.idle.append(sandbox)
        else:
            self._discarded.put(sandbox)
        if fleet.superseded and not fleet.waiting:
            self._discard_idle(fleet)
        self._changed.notify_all()

    def _discard_idle(self, fleet: _Fleet, chosen: Sequence[Sandbox] | None = None) -> None:
        """Let idle sandboxes go: the chosen ones, or all."""
        for sandbox in list(fleet.idle if chosen is None else chosen):
            fleet.idle.remove(sandbox)
            self._discarded.put(sandbox)

    def _keep_house(self) -> None:
        while not self._closed:
            try:
                sandbox = self._discarded.get(timeout=HOUSEKEEPING)
            except queue.Empty:
                self._reap()
            else:
                if sandbox is not None:
                    sandbox.close()
                    with self._changed:
                        self._living.discard(sandbox)

    def _reap(self) -> None:
        now = self._clock.monotonic()
        with self._changed:
            for fleet in self._fleets.values():
                self._discard_idle(fleet, [one for one in fleet.idle if now - one.idle_since > IDLE_LIMIT])
            for sandbox in self._living:
                if not sandbox.started and now - sandbox.born > INIT_LIMIT:
                    sandbox.give_up_starting()
