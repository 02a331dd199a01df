"""A planned cut-over, such as the way home after a failover: a disruption of its own, measured apart from the fault.

    fault ── outage ── service restored by the failover ─┬─ cut-over began ── interruption(s) ── end
                                                         └── writes acknowledged from here on count as its own

It has an RTO and an RPO of its own: for how long clients were kept from the service in all, and how many writes that
the failed-over service had acknowledged are gone in the end. What belongs to the cut-over does not enter the fault's
numbers, and the other way round. All instants are monotonic seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drillbook.events import Json
from drillbook.measure.loss import Losses
from drillbook.measure.rto import Rto
from drillbook.measure.run import Run, interval_json
from drillbook.measure.sight import Sighting
from drillbook.measure.windows import Window, total, windows
from drillbook.objective import Interval


@dataclass(frozen=True)
class CutOver:
    """What clients met of one cut-over. ``since``: from when on acknowledged writes are the cut-over's to keep."""

    since: float
    windows: tuple[Window, ...]
    interruption: Interval
    """Seconds in all that clients were kept from the service; infinite if they still are."""
    lost: Interval
    """How many writes are gone: at least, and at most (some records may not be readable)."""
    acknowledged: int
    """Writes acknowledged since ``since``. Without any, nothing could be lost, and nothing is shown."""
    watched: float
    """Seconds from the end of the cut-over's plan to the end of the drill."""

    def as_json(self) -> dict[str, Json]:
        return {
            "since": self.since,
            "windows": [
                {"start": interval_json(each.start), "end": interval_json(each.end), "bad": each.bad}
                for each in self.windows
            ],
            "acknowledged": self.acknowledged,
            "watched": self.watched,
        }


def cut_over(seen: Sequence[Sighting], run: Run, found: Losses, acks: Sequence[float], measured: Rto | None) -> CutOver:
    """Measure the cut-over of ``run``, which has one. ``seen`` in order of ``sent``; ``acks``: when each write was
    acknowledged; ``measured``: the fault's RTO, if one struck."""
    began, ended = _instants(run)
    after = [each for each in seen if not _is_before(each, began, run.slow)]
    met = tuple(_from(window, began) for window in windows(after))
    since = _restored(run, measured, began)
    return CutOver(
        since=since,
        windows=met,
        interruption=total(met) if met else Interval(0.0, _longest_unseen(after, began, run.end)),
        lost=found.lost_from(since),
        acknowledged=sum(at >= since for at in acks),
        watched=max(0.0, run.end - ended),
    )


def before_it(seen: Sequence[Sighting], run: Run) -> tuple[Sequence[Sighting], Run]:
    """What the fault's RTO is measured from: what was seen before the cut-over, and the run as if it ended then."""
    if run.cut0 is None:
        return seen, run
    return [each for each in seen if _is_before(each, run.cut0, run.slow)], replace(run, end=run.cut0)


def _instants(run: Run) -> tuple[float, float]:
    began = math.inf if run.cut0 is None else run.cut0
    return began, began if run.cut1 is None else run.cut1


def _is_before(each: Sighting, began: float, slow: float) -> bool:
    """Had it been answered, or ought to have been, when the cut-over began?"""
    return min(each.op.done, each.op.sent + slow) <= began


def _from(window: Window, began: float) -> Window:
    """What happened before the cut-over is not its doing."""
    return replace(window, start=Interval(max(window.start.lo, began), max(window.start.hi, began)))


def _restored(run: Run, measured: Rto | None, began: float) -> float:
    """When the failover was complete: its plan had ended, clients were served. At the latest when all began anew."""
    if measured is None or measured.restored is None:
        return began
    return min(began, max(measured.restored.hi, -math.inf if run.exec1 is None else run.exec1))


def _longest_unseen(after: Sequence[Sighting], began: float, end: float) -> float:
    """The longest time between two good answers: for so long an interruption may have been there that nobody met."""
    good = [each.op for each in after if each.good]
    looked = [began, *(op.sent for op in good)]
    answered = [*sorted(op.done for op in good), end]
    return max(0.0, *(until - since for since, until in zip(looked, answered, strict=True))) if good else math.inf
