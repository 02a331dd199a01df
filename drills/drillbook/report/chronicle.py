"""From a drill's evidence to its timeline: which instants, phases, slices and steps are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from drillbook.events import EventKind, Json
from drillbook.measure.history import WRITES, Kind, Op, Res
from drillbook.report.record import Record
from drillbook.report.timeline import Bar, Bucket, Lane, Mark, Span, Timeline

SLICES = 110
"""About as many slices as a reader can tell apart."""

BEATS = 6
"""A slice holds at least this many beats of the canary, or the picture shows its rhythm instead of the service."""

INSTANTS = {
    "t_baseline": "baseline",
    "t_inject": "fault",
    "t_impact": "first bad answer",
    "t_detect": "detected",
    "t_declare": "decided",
    "t_exec0": "recovery starts",
    "t_exec1": "plan done",
    "t_restored": "restored",
    "t_verified": "verified",
    "t_reconciled": "reconciled",
}

_PHASES = (
    ("Baseline", "t_baseline", "t_inject"),
    ("Detect", "t_inject", "t_detect"),
    ("Decide", "t_detect", "t_declare"),
    ("Execute", "t_exec0", "t_exec1"),
    ("Propagate", "t_exec1", "t_restored"),
    ("Verify", "t_restored", "t_verified"),
)

_LANES = (("Reads", {Kind.READ}), ("Writes", WRITES), ("Probes", {Kind.PROBE}))

_SLICE_LENGTHS = (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


def timeline(record: Record) -> Timeline:
    """What is drawn of ``record``, in seconds from the fault."""
    start, end = record.span
    least = max((end - start) / SLICES, BEATS / record.rate)
    length = next((length for length in _SLICE_LENGTHS if length >= least), 3600)
    moments = moments_of(record)
    return Timeline(
        start=start,
        end=end,
        bucket=length,
        lanes=list(_lanes(record, length)),
        phases=list(_phases(moments)),
        windows=list(windows(record)),
        marks=[Mark(INSTANTS[name], at) for name, at in moments.items()],
        bars=[_bar(step, record.origin) for step in steps(record)],
    )


def moments_of(record: Record) -> dict[str, float]:
    """The instants in seconds from the fault. When service was restored is the judge's to say, not the drill's."""
    told = {name: at - record.origin for name, at in record.instants.items() if name in INSTANTS}
    rto = record.result.get("rto") or {}
    if rto.get("state") == "recovered" and rto.get("hi") is not None and "t_inject" in told:
        told.setdefault("t_restored", rto["hi"])
    return {name: told[name] for name in INSTANTS if name in told}


def windows(record: Record) -> Iterator[Span]:
    """The judge's windows of unavailability, from the first moment they may have begun to the last they may have ended."""
    for window in record.result.get("windows") or []:
        start, end = window["start"], window["end"]
        last = end["hi"] if end["hi"] is not None else record.span[1] + record.origin
        yield Span("unavailable", start["lo"] - record.origin, last - record.origin)


def steps(record: Record) -> list[Json]:
    """Each recovery step as its last event tells it; one that began and never ended is shown as interrupted."""
    found: dict[tuple[str, str], Json] = {}
    for event in record.events:
        key = (str(event.get("plan", "")), str(event.get("name")))
        if event.get("kind") == EventKind.STEP_STARTED:
            ended = record.events[-1]["at"]
            found[key] = {**event, "outcome": "failed", "error": "interrupted", "seconds": ended - event["at"]}
        elif event.get("kind") == EventKind.STEP_ENDED:
            began = found.get(key, {**event, "at": event["at"] - float(event.get("seconds") or 0)})
            found[key] = {**began, "error": "", **{name: value for name, value in event.items() if name != "at"}}
    return list(found.values())


def is_good(operation: Op, slow: float) -> bool:
    """Answered in time with what was expected. For the drawing only: the verdict is the judge's."""
    return operation.res is Res.OK and operation.latency <= slow and not operation.stale


def _lanes(record: Record, length: float) -> Iterator[Lane]:
    for name, kinds in _LANES:
        operations = [operation for operation in record.operations if operation.f in kinds]
        if operations:
            yield Lane(name, list(_buckets(operations, record, length)))


def _buckets(operations: list[Op], record: Record, length: float) -> Iterator[Bucket]:
    counted: Counter[tuple[int, bool]] = Counter()
    for operation in operations:
        number = int((operation.due - record.origin) // length)
        counted[number, is_good(operation, record.slow)] += 1
    for number in sorted({number for number, _ in counted}):
        yield Bucket(number * length, counted[number, True], counted[number, False])


def _phases(moments: dict[str, float]) -> Iterator[Span]:
    drawn = float("-inf")
    for name, begins, ends in _PHASES:
        if begins in moments and ends in moments and moments[ends] > max(moments[begins], drawn):
            yield Span(name, max(moments[begins], drawn), moments[ends])
            drawn = moments[ends]


def _bar(step: Json, origin: float) -> Bar:
    start = step["at"] - origin
    budget = step.get("budget")
    return Bar(
        name=str(step["name"]),
        start=start,
        end=start + float(step.get("seconds") or 0),
        budget=None if budget is None else float(budget),
        outcome=str(step.get("outcome", "")),
    )
