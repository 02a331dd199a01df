"""An evidence directory read for showing. Forgiving: a drill that broke half-way still gets its page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.clock import utc_text
from drillbook.errors import EvidenceError
from drillbook.events import EventKind, Json, since_the_fault
from drillbook.measure import history
from drillbook.measure.away import away
from drillbook.measure.final import Final
from drillbook.measure.loss import losses
from drillbook.measure.run import Run
from drillbook.measure.sight import Sighting, sightings
from drillbook.report import strict_json

if TYPE_CHECKING:
    from drillbook.world import World


@dataclass(frozen=True)
class Record:
    """What the files say, as JSON. Times are the drill's monotonic seconds; ``origin`` is the fault's."""

    directory: Path
    drill: dict[str, Json]
    result: dict[str, Json]
    events: list[Json]
    seen: tuple[Sighting, ...]
    """What the canary saw, as the judge takes it."""
    checks: list[Json]
    configuration: list[Json]
    journal: list[Json]

    def of_kind(self, kind: EventKind) -> Iterator[Json]:
        return (event for event in self.events if event.get("kind") == kind)

    @cached_property
    def instants(self) -> dict[str, float]:
        """Each measured instant by name; where one was told twice, the first that counts."""
        told = since_the_fault((event["name"], event["at"]) for event in self.of_kind(EventKind.INSTANT))
        return dict(reversed(told))

    @cached_property
    def origin(self) -> float:
        """The fault: what all times of a report are told from. The beginning, if no fault struck."""
        beginning = self.events[0]["at"] if self.events else 0.0
        return float(self.instants.get("t_inject", self.instants.get("t_baseline", beginning)))

    @property
    def baseline(self) -> float:
        """When the service was steady and the drill began in earnest; the beginning, if it never was."""
        beginning = self.events[0]["at"] if self.events else 0.0
        return float(self.instants.get("t_baseline", beginning))

    @cached_property
    def span(self) -> tuple[float, float]:
        """First and last moment, in seconds from the fault."""
        moments = [event["at"] for event in self.events if isinstance(event.get("at"), (int, float))]
        if not moments:
            return 0.0, 1.0
        return min(moments) - self.origin, max(moments) - self.origin

    def utc(self, at: float) -> str:
        """The time of day of a monotonic instant; nothing if no event tells."""
        first = self.events[0] if self.events else {}
        if "utc" not in first:
            return ""
        return utc_text(datetime.fromisoformat(first["utc"]) + timedelta(seconds=at - first["at"]))

    @property
    def rate(self) -> float:
        """The canary's operations a second."""
        run = self.drill.get("run") or {}
        return float(run.get("rate") or 20.0)


def read(directory: Path) -> Record:
    """Read what is there. Raises EvidenceError for a file that is there and malformed."""
    drill = _json(directory, "drill.json", {})
    return Record(
        directory=directory,
        drill=drill,
        result=_json(directory, "verdict.json", {}),
        events=_lines(directory, "events.jsonl"),
        seen=_seen(directory, drill.get("run")),
        checks=_json(directory, "checks.json", []),
        configuration=_json(directory, "configuration.json", []),
        journal=_lines(directory, "journal.jsonl"),
    )


def so_far(world: World) -> Record:
    """The drill under way: its events until now, and what the judge has measured once an objective was asked for."""
    events = [event.as_json() for event in world.events.events]
    started = next((event for event in events if event["kind"] == EventKind.STARTED), {})
    judged = [event for event in events if event["kind"] == EventKind.JUDGED]
    return Record(
        directory=Path(world.run_id),
        drill={
            **{name: started.get(name, "") for name in ("service", "target", "basis", "feature", "run_id")},
            "title": world.service.title,
            "drill": started.get("name", ""),
            "speed": world.speed,
        },
        result=judged[-1] if judged else {},
        events=events,
        seen=(),
        checks=[event for event in events if event["kind"] == EventKind.CHECK],
        configuration=[],
        journal=[],
    )


def _json(directory: Path, name: str, default: Json) -> Json:
    return strict_json.read(directory / name) if (directory / name).exists() else default


def _lines(directory: Path, name: str) -> list[Json]:
    return strict_json.read_lines(directory / name) if (directory / name).exists() else []


def _seen(directory: Path, run: Json) -> tuple[Sighting, ...]:
    try:
        recorded = history.read(directory / "history.jsonl", live=True)
        if run is None:
            return tuple(sightings(recorded.ops, math.inf))
        judged = Run.from_json(run)
        found = losses(recorded.ops, Final.load(directory / "final.json"), judged.reference)
        return tuple(sightings(recorded.ops, judged.slow, found, away(recorded.ops, judged)))
    except EvidenceError:  # the judge calls such a drill INVALID and says why; its page shows what else there is
        return ()
