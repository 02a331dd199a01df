"""What one operation says about the service: it was good, bad, or nothing can be concluded from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from drillbook.measure.history import Op, Res
from drillbook.measure.loss import Losses


class Sight(StrEnum):
    GOOD = "good"
    """Acknowledged, no later than ``slow`` after it was due, and showing what had been acknowledged."""
    BAD = "bad"
    MUTE = "mute"
    """It met a loss that the final state still shows, or a record that only the end of the fault brought back. Such
    data is missing during the outage and after it alike: that cannot tell whether the service is back."""


@dataclass(frozen=True)
class Sighting:
    """An operation and what it says."""

    op: Op
    sight: Sight
    lost: bool = False
    """It asked for a record that the final state shows to be lost for good, so that no later read of it will go well;
    or for one that was away until the fault was over."""

    @property
    def good(self) -> bool:
        return self.sight is Sight.GOOD

    @property
    def bad(self) -> bool:
        return self.sight is Sight.BAD


def sightings(
    ops: Iterable[Op], slow: float, losses: Losses | None = None, away: Collection[int] = ()
) -> list[Sighting]:
    """In the order in which the service was looked at (``sent``); lateness is judged from ``due``.

    ``away``: the reads, by their number, of records that were away until the fault was over.
    """
    written_off = losses.written_off() if losses else {}
    final = losses.final.keys if losses else {}

    def is_lost(op: Op) -> bool:
        """Does it show just what the final state shows of a record whose loss it came after?"""
        known = op.key in written_off and op.sent >= written_off[op.key]
        return known and op.seen is not None and op.seen == final[op.key]

    def sighting(op: Op) -> Sighting:
        lost = op.i in away or is_lost(op)
        if op.latency > slow:
            return Sighting(op, Sight.BAD, lost)
        if op.res is Res.OK and not op.stale:
            return Sighting(op, Sight.GOOD)
        return Sighting(op, Sight.MUTE if lost else Sight.BAD, lost)

    return [sighting(op) for op in sorted(ops, key=lambda op: (op.sent, op.i))]
