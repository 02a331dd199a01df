"""From a drill's evidence to its timeline: which instants, phases, slices and steps are drawn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from drillbook.events import EventKind, Json
from drillbook.measure.history import WRITES, Kind
from drillbook.measure.sight import Sighting
from drillbook.report.record import Record
from drillbook.report.timeline import Bar, Bucket, Lane, Mark, Span, Timeline

SLICES = 110
"""About as many slices as a reader can tell apart."""

BEATS = 8
"""A slice holds at least this many beats of the canary, or the picture shows its rhythm instead of the service."""

INSTANTS = {
    "t_baseline": "baseline",
    "t_inject": "fault in effect",
    "t_impact": "first bad answer",
    "t_detect": "detected",
    "t_declare": "decided",
    "t_lifted": "fault over",
    "t_exec0": "recovery starts",
    "t_exec1": "plan done",
    "t_restored": "restored",
    "t_verified": "verified",
    "t_cut0": "cut-over starts",
    "t_cut1": "cut-over done",
    "t_reconciled": "reconciled",
}

_PREPARED = {"t_exec0": "preparation starts", "t_exec1": "prepared"}
"""What the instants of a plan are called that ran before the fault."""

_PHASES = (
    ("Baseline", "t_baseline", "t_inject"),
    ("Detect", "t_inject", "t_detect"),
    ("Decide", "t_detect", "t_declare"),
    ("Mobilise", "t_declare", "t_exec0"),
    ("Execute", "t_exec0", "t_exec1"),
    ("Propagate", "t_exec1", "t_restored"),
    ("Verify", "t_restored", "t_verified"),
    ("Cut over", "t_cut0", "t_cut1"),
)

_LANES = (("Reads", {Kind.READ}), ("Writes", WRITES), ("Probes", {Kind.PROBE}))

_SLICE_LENGTHS = (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


CLOSE = 0.2
"""An outage that takes less than this share of the drill is drawn a second time, larger."""


def timeline(record: Record) -> Timeline:
    """The whole drill as far as the canary looked, in seconds from the fault."""
    start, end = _watched(record)
    return _between(record, start, end, BEATS / record.rate)


def close_ups(record: Record) -> dict[str, Timeline]:
    """What the whole drill is too long to show, each by its title: the outage with its recovery, and the cut-over."""
    moments = moments_of(record)
    back = max((moments[name] for name in ("t_restored", "t_exec1", "t_detect") if name in moments), default=0.0)
    shown = {"The outage and the recovery, larger": (min(0.0, moments.get("t_impact", 0.0)), back)}
    if "t_cut0" in moments:
        shown["The cut-over, larger"] = (moments["t_cut0"], _cut_over_ended(record, moments))
    return {title: near for title, (first, last) in shown.items() if (near := _close_up(record, first, last))}


def _cut_over_ended(record: Record, moments: dict[str, float]) -> float:
    """When its plan was done and no later interruption was seen."""
    done = moments.get("t_cut1", moments["t_cut0"])
    return max([done, *(window.end for window in windows(record) if window.start >= moments["t_cut0"])])


def _close_up(record: Record, first: float, last: float) -> Timeline | None:
    start, end = _watched(record)
    if last <= first or last - first > CLOSE * (end - start):
        return None
    room = (last - first) * 0.25
    return _between(record, max(start, first - room), min(end, last + room), 2 / record.rate)


def _between(record: Record, start: float, end: float, least: float) -> Timeline:
    """What lies between two moments; slices of at least ``least`` seconds."""
    least = max(least, (end - start) / SLICES)
    length = next((length for length in _SLICE_LENGTHS if length >= least), 3600)
    return Timeline(
        start=start,
        end=end,
        bucket=length,
        lanes=list(_lanes(record, length, start, end)),
        phases=[phase for phase in _phases(moments_of(record)) if phase.end > start and phase.start < end],
        windows=[window for window in windows(record) if window.end > start and window.start < end],
        marks=[mark for mark in marks(record) if start <= mark.at <= end],
        bars=[bar for bar in _bars(record) if bar.start < end and bar.end >= start],
    )


def _watched(record: Record) -> tuple[float, float]:
    """From the canary's first operation to its last, or to the last instant; the whole drill without a canary."""
    if not record.seen:
        return record.span
    sent = [each.op.due - record.origin for each in record.seen]
    return min(sent), max([*sent, *moments_of(record).values()])


def moments_of(record: Record) -> dict[str, float]:
    """The instants in seconds from the fault. When service was back, and had been for W, is the judge's to say."""
    judged = (record.result.get("rto") or {}).get("instants") or {}
    found = {"t_impact": judged.get("impact"), "t_restored": (judged.get("restored") or {}).get("hi")}
    verified = {} if judged.get("verified") is None else {"t_verified": judged["verified"]}
    told = {**found, **record.instants, **verified}
    return {name: at - record.origin for name in INSTANTS if (at := told.get(name)) is not None}


def marks(record: Record) -> list[Mark]:
    """Every instant, earliest first. What came more than once is told with its fault or plan."""
    told = [event for event in record.of_kind(EventKind.INSTANT) if event["name"] in INSTANTS]
    often = {name for name, times in Counter(event["name"] for event in told).items() if times > 1}
    found = [Mark(_label(event, often, record), event["at"] - record.origin) for event in told]
    judged = moments_of(record).items()
    names = {event["name"] for event in told}
    found += [Mark(INSTANTS[name], at) for name, at in judged if name not in names]
    return sorted(found, key=lambda mark: mark.at)


def _label(event: Json, often: set[str], record: Record) -> str:
    of = event.get("fault") or event.get("plan")
    is_early = event["at"] < record.instants.get("t_inject", -math.inf)
    what = (_PREPARED if is_early else {}).get(event["name"], INSTANTS[event["name"]])
    return what + (f": {of}" if of and event["name"] in often else "")


def windows(record: Record) -> Iterator[Span]:
    """The judge's windows of unavailability, each as long as it may have been."""
    first, last = record.span
    for window in (record.result.get("windows") or {}).get("each") or []:
        began, ended = window["start"]["lo"], window["end"]["hi"]
        start = first if began is None else began - record.origin
        yield Span("unavailable", start, last if ended is None else ended - record.origin)


def steps(record: Record) -> list[Json]:
    """Each recovery step as its last event tells it; one that began and never ended is shown as interrupted."""
    found: list[Json] = []
    begun: dict[tuple[str, str], int] = {}
    for event in record.events:
        key = (str(event.get("plan", "")), str(event.get("name")))
        if event.get("kind") == EventKind.STEP_STARTED:
            ended = record.events[-1]["at"]
            begun[key] = len(found)
            found.append({**event, "outcome": "failed", "error": "interrupted", "seconds": ended - event["at"]})
        elif event.get("kind") == EventKind.STEP_ENDED:
            told = {"error": "", **{name: value for name, value in event.items() if name != "at"}}
            if key in begun:
                found[begun.pop(key)] |= told
            else:
                found.append({"at": event["at"] - float(event.get("seconds") or 0), **told})
    return found


def _lanes(record: Record, length: float, start: float, end: float) -> Iterator[Lane]:
    for name, kinds in _LANES:
        mine = [each for each in record.seen if each.op.f in kinds]
        seen = [each for each in mine if start <= each.op.due - record.origin <= end]
        if seen:
            yield Lane(name, list(_buckets(seen, record, length)))


def _buckets(seen: list[Sighting], record: Record, length: float) -> Iterator[Bucket]:
    counted: Counter[tuple[int, bool]] = Counter()
    for each in seen:
        counted[math.floor((each.op.due - record.origin) / length), each.bad] += 1
    for number in sorted({number for number, _ in counted}):
        yield Bucket(number * length, counted[number, False], counted[number, True])


def _phases(moments: dict[str, float]) -> Iterator[Span]:
    drawn = float("-inf")
    for name, begins, ends in _PHASES:
        if begins in moments and ends in moments and moments[ends] > max(moments[begins], drawn):
            yield Span(name, max(moments[begins], drawn), moments[ends])
            drawn = moments[ends]


def _bars(record: Record) -> Iterator[Bar]:
    yield from (_bar(step, record.origin) for step in steps(record))


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
