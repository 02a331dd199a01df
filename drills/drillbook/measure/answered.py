"""How many requests were answered well, and how many badly: before the fault, until the service was back, and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from drillbook.events import Json
from drillbook.measure.run import Run
from drillbook.measure.sight import Sight, Sighting


def answered(seen: Sequence[Sighting], run: Run, restored: float | None) -> dict[str, Json]:
    """Counts by sight. ``restored`` is a monotonic instant; None: the service was not seen to come back.

    Of the whole drill where no fault struck.
    """
    if run.fault is None:
        counts = Counter(each.sight for each in seen)
        return {"whole": {str(sight): counts[sight] for sight in Sight}}
    until = run.end if restored is None else restored
    counted: dict[str, Counter[Sight]] = {part: Counter() for part in ("before", "during", "after")}
    for each in seen:
        part = "before" if each.op.sent < run.fault.lo else "during" if each.op.sent < until else "after"
        counted[part][each.sight] += 1
    return {part: {str(sight): counts[sight] for sight in Sight} for part, counts in counted.items()}
