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

    @property
    def good(self) -> bool:
        return self.sight is Sight.GOOD

    @property
    def bad(self) -> bool:
        return self.sight is Sight.BAD


def sightings(ops: Iterable[Op], slow: float, losses: Losses | None = None) -> list[Sighting]:
    """In the order in which the service was looked at (``sent``); lateness is judged from ``due``."""
    written_off = losses.written_off() if losses else {}

    def sight(op: Op) -> Sight:
        if op.latency > slow:
            return Sight.BAD
        if op.res is Res.OK and not op.stale:
            return Sight.GOOD
        lost_since = written_off.get(op.key)
        if losses and lost_since is not None and op.sent >= lost_since and op.seen is not None:
            return Sight.MUTE if op.seen == losses.final.keys[op.key] else Sight.BAD
        return Sight.BAD

    return [Sighting(op, sight(op)) for op in sorted(ops, key=lambda op: (op.sent, op.i))]
