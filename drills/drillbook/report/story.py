"""What the page of a drill tells, section by section, from its evidence. No markup here, and no judgement."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from drillbook.events import EventKind, Json
from drillbook.objective import Verdict
from drillbook.report import chronicle, wording
from drillbook.report.plan_runs import PlanRun, plan_runs
from drillbook.report.record import Record

SHOWN = 400
"""Rows of a long table on the page; the rest is in the evidence, and the page says so."""


class Story:
    def __init__(self, record: Record) -> None:
        self.record = record
        self.drill = record.drill
        self.result = record.result
        self.verdict = str(record.result.get("verdict") or Verdict.INVALID)

    @property
    def service(self) -> str:
        return str(self.drill.get("title") or self.drill.get("service") or "unnamed service")

    @property
    def name(self) -> str:
        return str(self.drill.get("drill") or self.record.directory.name)

    @property
    def basis(self) -> str:
        return str(self.drill.get("basis") or "")

    @property
    def basis_sentence(self) -> str:
        speed = float(self.record.drill.get("speed") or 1)
        scaled = f" AWS's durations (alarm periods, restorable lag) are divided by {speed:g}." if speed != 1 else ""
        return wording.basis_sentence(self.basis) + scaled

    @property
    def actual(self) -> bool:
        return wording.is_actual(self.basis)

    @property
    def sabotage(self) -> str:
        return str(self.drill.get("sabotage") or "")

    @property
    def meaning(self) -> str:
        if self.verdict == Verdict.PASS and not self.objectives:
            return "Every check holds."
        return wording.MEANINGS[Verdict(self.verdict)] if self.verdict in set(Verdict) else ""

    @property
    def causes(self) -> list[str]:
        return [str(cause) for cause in self.result.get("causes") or []]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Who, where and when, in the head of the page."""
        first, last = self.record.span
        told = [
            ("Feature", self.drill.get("feature")),
            ("Target", self.drill.get("target")),
            ("Basis", self.basis),
            ("Started", self.record.events[0].get("utc", "") if self.record.events else ""),
            ("Took", wording.seconds_text(last - first)),
            ("Run", self.drill.get("run_id")),
        ]
        return [(name, str(value)) for name, value in told if value]

    @cached_property
    def objectives(self) -> list[Json]:
        return list(self.result.get("objectives") or [])

    @cached_property
    def phases(self) -> list[tuple[str, float | None]]:
        told = self.result.get("phases") or {}
        return [(wording.PHASES.get(name, name.replace("_", " ")), value) for name, value in told.items()]

    @cached_property
    def faults(self) -> list[str]:
        """Those that struck, by the names of the service file."""
        struck = (event for event in self.record.of_kind(EventKind.INSTANT) if event["name"] == "t_inject")
        return [str(event["fault"]) for event in struck if event.get("fault")]

    @cached_property
    def runs(self) -> list[PlanRun]:
        """The plans as they were run, in order."""
        return plan_runs(self.record)

    @property
    def since(self) -> str:
        """What all times are told from."""
        told = self.record.instants
        return "the fault" if "t_inject" in told else "the baseline" if "t_baseline" in told else "the beginning"

    @property
    def is_measured(self) -> bool:
        """Did a canary look, and was what it saw judged?"""
        return self.result.get("lost") is not None

    @cached_property
    def detected_by(self) -> tuple[str, float] | None:
        """Which of the service's detections noticed the fault, and how many seconds after it."""
        at, struck = (self.record.instants.get(name) for name in ("t_detect", "t_inject"))
        if at is None or struck is None:
            return None
        red = [event for event in self.record.of_kind(EventKind.READING) if event["ok"] is False and event["at"] <= at]
        return (str(red[-1]["name"]), at - struck) if red else None

    @property
    def is_over(self) -> bool:
        return any(self.record.of_kind(EventKind.VERDICT))

    @cached_property
    def steady(self) -> list[tuple[str, str, str]]:
        """Each promise of the steady state, with what was seen of it before the fault and after recovery."""
        told = self.result.get("steady_state") or {}
        before, after = ((told.get(when) or {}).get("words") or {} for when in ("before", "after"))
        return [
            (says, before.get(name, "not reached"), after.get(name, "not reached"))
            for name, says in (told.get("says") or {}).items()
        ]

    @cached_property
    def instants(self) -> list[tuple[str, float, str]]:
        """Each instant in words, seconds from the fault, and UTC."""
        marks = chronicle.marks(self.record)
        return [(mark.name, mark.at, self.record.utc(mark.at + self.record.origin)) for mark in marks]

    @cached_property
    def windows(self) -> list[Json]:
        """When each window began and ended, in seconds from the fault; None where that is not known."""
        return [
            {name: self._offsets(window[name]) for name in ("start", "end")}
            for window in (self.result.get("windows") or {}).get("each") or []
        ]

    @cached_property
    def counted_losses(self) -> list[tuple[str, str, str, int]]:
        """Label, in short, explained, how many: every label of which the judge counted any."""
        counted = (self.result.get("loss") or {}).get("counts") or {}
        return [(name, *words, int(counted[name])) for name, words in wording.LOSSES.items() if counted.get(name)]

    @cached_property
    def uncounted_losses(self) -> list[str]:
        """The labels of which the judge counted none."""
        counted = self.result.get("loss") or {}
        return [name for name in wording.LOSSES if not counted["counts"].get(name)] if "counts" in counted else []

    @cached_property
    def examples(self) -> list[Json]:
        """Findings of the judge, with when the write was acknowledged in seconds from the fault."""
        return [
            {
                "label": found["label"],
                "record": found["key"],
                "version": found["ver"],
                "acknowledged": "never" if found["acked"] is None else _from_fault(found["acked"] - self.record.origin),
                "afterwards": {None: "unreadable", 0: "absent", -1: "foreign"}.get(found["shown"], found["shown"]),
            }
            for found in (self.result.get("loss") or {}).get("examples") or []
        ]

    @property
    def gone(self) -> int:
        """Acknowledged writes without their effect, of all labels."""
        return int(self.result.get("lost") or 0)

    @property
    def gone_during(self) -> int:
        """Those of them that were acknowledged when the fault had struck, for certain."""
        counted = self.result.get("loss") or {}
        return int(counted.get("lost_during") or 0) - int(counted.get("lost_striking") or 0)

    @cached_property
    def steps(self) -> list[Json]:
        return self.told(chronicle.steps(self.record))

    def told(self, steps: list[Json]) -> list[Json]:
        """Steps with their offset from the fault, and the share of the budget that each took."""
        return [{**step, "offset": step["at"] - self.record.origin, "share": _share(step)} for step in steps]

    @cached_property
    def calls(self) -> list[Json]:
        return self._with_offsets(EventKind.CALL)

    @cached_property
    def readings(self) -> list[Json]:
        """Where a probe's reading changed; the readings between are all alike."""
        last: dict[str, tuple[Json, Json]] = {}
        changes = []
        for event in self._with_offsets(EventKind.READING):
            seen = (event.get("ok"), event.get("value"))
            if last.get(event["name"]) != seen:
                changes.append(event)
            last[event["name"]] = seen
        return changes

    @cached_property
    def notes(self) -> list[Json]:
        return [note for note in self._with_offsets(EventKind.NOTE) if note not in self.messages]

    @cached_property
    def messages(self) -> list[Json]:
        """Notices that were sent, and entries of the incident's record."""
        return [note for note in self._with_offsets(EventKind.NOTE) if "message_id" in note or "entry" in note]

    @property
    def checks(self) -> list[Json]:
        return self.record.checks

    @property
    def configuration(self) -> list[Json]:
        return self.record.configuration

    @cached_property
    def journal(self) -> list[dict[str, str]]:
        """Each change with its last state."""
        return [
            {
                "change": str(row.get("what") or row.get("factory") or ""),
                "state": str(row.get("state", "")),
                "at": str(row.get("at", "")),
                "moved": str(row.get("moved", "")),
                "touches": ", ".join(map(str, row.get("touches") or [])),
            }
            for row in self.record.journal
            if row.get("record", "change") == "change"
        ]

    @property
    def blast_radius(self) -> list[str]:
        return [str(resource) for resource in self.drill.get("blast_radius") or []]

    @property
    def leftovers(self) -> list[str]:
        return [str(resource) for resource in self.result.get("left_over") or []]

    @property
    def health(self) -> list[tuple[str, str]]:
        return list(rows_of(self.result.get("health") or {}))

    @property
    def latency(self) -> list[tuple[str, str]]:
        return list(rows_of(self.result.get("latency") or {}))

    @property
    def versions(self) -> list[tuple[str, str]]:
        return list(rows_of(self.drill.get("versions") or {}))

    def shown(self, rows: list[Json]) -> list[Json]:
        return rows[:SHOWN]

    def hidden(self, rows: list[Json]) -> int:
        return max(len(rows) - SHOWN, 0)

    def _offsets(self, interval: Json) -> Json:
        return {bound: None if at is None else at - self.record.origin for bound, at in interval.items()}

    def _with_offsets(self, kind: EventKind) -> list[Json]:
        return [{**event, "offset": event["at"] - self.record.origin} for event in self.record.of_kind(kind)]


def rows_of(told: Json, prefix: str = "") -> Iterator[tuple[str, str]]:
    """A nested mapping as rows of name and text, in its own order."""
    for name, value in told.items():
        words = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, dict) and value:
            yield from rows_of(value, f"{words}: ")
        elif value is not None and value not in ([], {}):
            yield words, _plain(value)


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, list):
        return "; ".join(_plain(part) for part in value)
    return str(value)


def _share(step: Json) -> float | None:
    """How much of its budget a step took, as a fraction."""
    budget = step.get("budget")
    return float(step.get("seconds") or 0) / float(budget) if budget else None


def _from_fault(at: float) -> str:
    return f"{wording.offset_text(at)} from the fault"
