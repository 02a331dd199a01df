"""What one operation says about the service: it was good, bad, or nothing can be concluded from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from drillbook.measure.history import Op, Res
from drillbook.measure.loss import Losses


class Sight(StrEnum):
    GOOD = "good"
    """Acknowledged, no later than ``slow`` after it was due, and showing what had been acknowledged."""
    BAD = "bad"
    MUTE = "mute"
    """It met a loss that the final state still shows. Data lost for good is missing during the outage and after it
    alike: that counts towards the RPO, and cannot tell whether the service is back."""


@dataclass(frozen=True)
class Sighting:
    """An operation and what it says."""

    op: Op
    sight: Sight
    lost: bool = False
    """It asked for a record that the final state shows to be lost for good: no later read of it will go well."""

    @property
    def good(self) -> bool:
        return self.sight is Sight.GOOD

    @property
    def bad(self) -> bool:
        return self.sight is Sight.BAD


def sightings(ops: Iterable[Op], slow: float, losses: Losses | None = None) -> list[Sighting]:
    """In the order in which the service was looked at (``sent``); lateness is judged from ``due``."""
    written_off = losses.written_off() if losses else {}

    def sighting(op: Op) -> Sighting:
        lost_since = written_off.get(op.key)
        lost = losses is not None and lost_since is not None and op.sent >= lost_since and op.seen is not None
        lost = lost and losses is not None and op.seen == losses.final.keys[op.key]
        if op.latency > slow:
            return Sighting(op, Sight.BAD, lost)
        if op.res is Res.OK and not op.stale:
            return Sighting(op, Sight.GOOD)
        return Sighting(op, Sight.MUTE if lost else Sight.BAD, lost)

    return [sighting(op) for op in sorted(ops, key=lambda op: (op.sent, op.i))]
