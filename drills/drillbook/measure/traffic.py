"""What clients saw in their latest requests: how many were answered well, how many were errors, how long they took.

For steady states, before the fault and after recovery, from what has ended by now. The verdict on a recovery is the
judge's, who reads the whole history and the final state.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from drillbook.events import Json
from drillbook.measure.history import ABSENT, Op, Res
from drillbook.measure.latency import percentile


@dataclass(frozen=True)
class Traffic:
    """The latest requests of all. One that later ones have overtaken is an error so far."""

    requests: int
    well: int
    """Acknowledged within the service's latency bound, and showing what had been acknowledged before."""
    errors: int
    """Refused, failed, or without an answer."""
    p95: float
    """Seconds from when a request was due: of those that were answered, unanswered ones counting as endless."""
    latest: float
    """When the last of them was due, in monotonic seconds."""

    @property
    def availability(self) -> float:
        """The share that was answered well; of no request at all, none."""
        return self.well / self.requests if self.requests else 0.0

    @property
    def error_rate(self) -> float:
        return self.errors / self.requests if self.requests else 1.0

    def as_json(self) -> dict[str, Json]:
        told = {name: value for name, value in asdict(self).items() if name != "latest"}
        return {**told, "availability": self.availability, "error_rate": self.error_rate}


def traffic(ops: Iterable[Op], count: int, slow: float, *, forgive_missing: bool = False) -> Traffic | None:
    """The last ``count`` requests up to the latest that has ended by now; None before there were so many.

    ``slow``: an answer later than this after it was due is not a good one. ``forgive_missing`` leaves requests out
    that met a missing record: after a recovery it may be lost for good, which says nothing of availability.
    """
    known = list(ops)
    last = max(known, key=lambda op: op.i, default=None)
    if last is None or last.i + 1 < count:
        return None
    window = [op for op in known if op.i > last.i - count]
    overtaken = count - len(window)
    counted = [op for op in window if not (forgive_missing and misses(op))]
    return Traffic(
        requests=len(counted) + overtaken,
        well=sum(_well(op, slow) for op in counted),
        errors=sum(op.res is not Res.OK and not misses(op) for op in counted) + overtaken,
        p95=_p95([op.latency for op in counted if op.res is Res.OK] + [math.inf] * overtaken),
        latest=last.due,
    )


def misses(op: Op) -> bool:
    """Did it show less than had been acknowledged, or find no record where one had been written?"""
    return op.stale or (op.res is Res.FAIL and op.seen == ABSENT)


def _well(op: Op, slow: float) -> bool:
    return op.res is Res.OK and not op.stale and op.latency <= slow


def _p95(latencies: list[float]) -> float:
    return percentile(latencies, 0.95) if latencies else math.inf
