"""What happened in a drill, in order, each in a line: for a reader who was not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drillbook.events import EventKind, Json
from drillbook.report import chronicle, wording
from drillbook.report.record import Record


@dataclass(frozen=True)
class Happening:
    """``at`` is seconds from the fault, ``utc`` the same moment's time of day."""

    at: float
    utc: str
    what: str


def happenings(record: Record) -> list[Happening]:
    """Instants, detections, steps, notices, checks and what was healed; earliest first."""
    told = [
        *_instants(record),
        *_faults(record),
        *_readings(record),
        *_steps(record),
        *_notes(record),
        *_checks(record),
    ]
    ordered = sorted(told, key=lambda each: each[0])
    return [Happening(at - record.origin, record.utc(at), what) for at, what in ordered]


_Told = tuple[float, str]


def _instants(record: Record) -> Iterator[_Told]:
    """Those of a fault or a plan each time they come; what only the judge can tell, from the judge."""
    told = list(record.of_kind(EventKind.INSTANT))
    for event in told:
        of = event.get("fault") or event.get("plan")
        yield event["at"], chronicle.INSTANTS.get(event["name"], event["name"]) + (f": {of}" if of else "")
    judged = chronicle.moments_of(record).keys() - {event["name"] for event in told}
    yield from ((chronicle.moments_of(record)[name] + record.origin, chronicle.INSTANTS[name]) for name in judged)


def _faults(record: Record) -> Iterator[_Told]:
    """From the baseline on: what was stood up before is no part of the story."""
    states = {"applied": "changed", "healed": "put back"}
    stood_up = {event.get("id") for event in record.of_kind(EventKind.JOURNAL) if event["at"] < record.baseline}
    for event in record.of_kind(EventKind.JOURNAL):
        if event.get("state") in states and event.get("id") not in stood_up:
            yield event["at"], f"{states[event['state']]}: {event['name']}"


def _readings(record: Record) -> Iterator[_Told]:
    """Where a probe changed its mind; how it read at first is no news."""
    last: dict[str, Json] = {}
    for event in record.of_kind(EventKind.READING):
        name, ok = str(event["name"]), event.get("ok")
        if ok is not last.get(name, True):
            yield event["at"], f"“{name}” reads {_okay(ok)}: {event.get('value', '')}"
        last[name] = ok


def _okay(ok: Json) -> str:
    return "unknown" if ok is None else "ok" if ok else "not ok"


def _steps(record: Record) -> Iterator[_Told]:
    for step in chronicle.steps(record):
        took = wording.seconds_text(float(step.get("seconds") or 0))
        budget = f" of {wording.seconds_text(float(step['budget']))}" if step.get("budget") else ""
        failed = f": {step['error']}" if step.get("error") else ""
        yield step["at"], f"step “{step['name']}”, {step.get('outcome', '')} in {took}{budget}{failed}"


def _notes(record: Record) -> Iterator[_Told]:
    notes = (event for event in record.of_kind(EventKind.NOTE) if "rail" not in event)
    yield from ((event["at"], str(event["name"])) for event in notes)


def _checks(record: Record) -> Iterator[_Told]:
    for event in record.of_kind(EventKind.CHECK):
        yield event["at"], f"check “{event['name']}”: {_okay(event.get('ok'))}: {event.get('detail', '')}"
