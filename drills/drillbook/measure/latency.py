"""How long clients waited, from when each operation was due: percentiles, and buckets for the timeline."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from drillbook.events import Json
from drillbook.measure.history import Res
from drillbook.measure.run import Run
from drillbook.measure.sight import Sighting
from drillbook.objective import Interval

PERCENTILES = (0.5, 0.95, 0.99)
ENOUGH = 20
"""Operations without which a 95th percentile says nothing."""


def latency(seen: Sequence[Sighting], run: Run, restored: float | None) -> dict[str, Json]:
    """Seconds, of answered operations: before the fault, from it until ``restored`` (or the end), and after; of the
    whole drill where no fault struck."""
    if run.fault is None:
        return {"whole": _summary([each.op.latency for each in seen if each.op.res is Res.OK])}
    until = run.end if restored is None else restored
    parts: dict[str, list[float]] = {"before": [], "during": [], "after": []}
    for each in seen:
        if each.op.res is Res.OK:
            part = "before" if each.op.sent < run.fault.lo else "during" if each.op.sent < until else "after"
            parts[part].append(each.op.latency)
    return {part: _summary(values) for part, values in parts.items()}


def buckets(seen: Sequence[Sighting], run: Run, width: float = 1.0) -> list[Json]:
    """Counts by sight and the slowest latency, for each ``width`` seconds; ``t`` is seconds after the fault began, or
    after the first operation where none struck."""
    origin = run.fault.lo if run.fault else min((each.op.sent for each in seen), default=0.0)
    grouped: dict[int, list[Sighting]] = defaultdict(list)
    for each in seen:
        grouped[math.floor((each.op.sent - origin) / width)].append(each)
    return [_bucket(number * width, grouped[number]) for number in sorted(grouped)]


def _bucket(t: float, group: Sequence[Sighting]) -> Json:
    latencies = [each.op.latency for each in group]
    return {
        "t": t,
        "good": sum(each.good for each in group),
        "bad": sum(each.bad for each in group),
        "mute": sum(not each.good and not each.bad for each in group),
        "p50": percentile(latencies, 0.5),
        "max": max(latencies),
    }


def p95_after(seen: Sequence[Sighting], since: float, until: float) -> Interval | None:
    """The 95th percentile of all operations sent from ``since`` to ``until``, unanswered ones counting as endless:
    at least without what the canary itself delayed, at most with it.

    None of fewer than 20, where it would be the slowest alone.
    """
    ops = [each.op for each in seen if since <= each.op.sent <= until]
    if len(ops) < ENOUGH:
        return None
    answered = [op.latency - op.delay for op in ops if op.res is Res.OK]
    unanswered = [math.inf] * (len(ops) - len(answered))
    lowest = percentile([*answered, *unanswered], 0.95)
    highest = percentile([*(op.latency for op in ops if op.res is Res.OK), *unanswered], 0.95)
    return Interval(min(lowest, max(answered, default=0.0)), highest)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of one value or more."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _summary(values: Sequence[float]) -> dict[str, Json] | None:
    if not values:
        return None
    named = {f"p{share * 100:g}": percentile(values, share) for share in PERCENTILES}
    return {"n": len(values), **named, "max": max(values)}
