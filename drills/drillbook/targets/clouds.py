"""The embedded clouds of one process's drills: a fresh one for each drill, and the next one started ahead.

A drill's cloud ends with it, unless something in it is still to be healed. Nothing of a drill reaches the next.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from drillbook.embedded import process, slots
from drillbook.embedded.process import Cloud
from drillbook.errors import DrillbookError

SPEED = 100.0


@dataclass(frozen=True)
class Wanted:
    """What a drill's cloud is to be like: its account, and the saved world in it; None: an empty one."""

    account: str
    world: Path | None = None


@dataclass(frozen=True)
class Lodging:
    """A cloud that is one drill's own, and the directory that tells where it is."""

    cloud: Cloud
    slot: Path


@dataclass(frozen=True)
class _Spare:
    wanted: Wanted
    slot: Path
    start: Future[Cloud]


class Clouds:
    """Used from one thread. ``close`` ends what it has opened, but what waits to be healed, and what is to be kept."""

    def __init__(self, state: Path, *, keep: bool = False) -> None:
        """``keep``: the cloud of the last drill lives on without an owner, until ``drillbook cloud down``."""
        self._state, self._keep = state, keep
        self._background = ThreadPoolExecutor(2, thread_name_prefix="clouds")
        self._spare: _Spare | None = None
        self._kept: Lodging | None = None
        self._ending: list[Future[None]] = []
        slots.sweep(state)

    def open(self, wanted: Wanted) -> Lodging:
        """A cloud that nobody has called yet. Raises TargetError if it cannot be started, or the world not loaded."""
        lodging = self._take_spare(wanted)
        if lodging is None:
            slot = slots.used(self._state)
            lodging = Lodging(_start(slot, wanted), slot)
        _join(lodging, owner=os.getpid(), journal=self._state / "journal.sqlite3")
        return lodging

    def expect(self, wanted: Wanted) -> None:
        """Start such a cloud in the background: the next drill is likely to want it."""
        if self._spare is not None and self._spare.wanted == wanted:
            return
        self._drop_spare()
        slot = slots.spare(self._state)
        self._spare = _Spare(wanted, slot, self._background.submit(_start, slot, wanted))

    def leave(self, lodging: Lodging) -> None:
        """The drill is over and healed. Returns at once; the cloud ends meanwhile."""
        over: Lodging | None = lodging
        if self._keep:
            over, self._kept = self._kept, lodging
        if over is not None:
            self._ending.append(self._background.submit(_end, over))

    def close(self) -> None:
        """End the spare one and wait for what is ending. Raises TargetError if a cloud does not end."""
        self._drop_spare()
        if self._kept is not None:
            _join(self._kept, owner=None)
            self._kept = None
        self._background.shutdown()
        for ending in self._ending:
            ending.result()

    def _take_spare(self, wanted: Wanted) -> Lodging | None:
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        if spare.wanted != wanted or spare.start.exception() is not None:
            self._background.submit(_drop, spare)
            return None
        return Lodging(spare.start.result(), slots.take(spare.slot, self._state))

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._background.submit(_drop, self._spare)
            self._spare = None


def _start(slot: Path, wanted: Wanted) -> Cloud:
    return process.start(slot, owner=os.getpid(), speed=SPEED, account=wanted.account, world=wanted.world)


def _join(lodging: Lodging, *, owner: int | None, journal: Path | None = None) -> None:
    process.start(lodging.slot, owner=owner, speed=SPEED, journal=journal, account=lodging.cloud.account)


def _end(lodging: Lodging) -> None:
    process.stop(lodging.cloud)
    slots.remove(lodging.slot)


def _drop(spare: _Spare) -> None:
    if isinstance(spare.start.exception(), DrillbookError):
        slots.remove(spare.slot)
    else:
        _end(Lodging(spare.start.result(), spare.slot))
