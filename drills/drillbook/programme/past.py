"""What was drilled before, from the evidence directories below ``reports``.

Evidence is believed only as far as it can be checked: whose manifest does not fit, or whose root hash is not the one
that the trend kept, does not count. A sabotaged drill says nothing about the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drillbook.errors import EvidenceError
from drillbook.events import Json
from drillbook.report import manifest, strict_json, trend


@dataclass(frozen=True)
class Outing:
    """One drill that was run to its end. ``ended`` is UTC."""

    directory: Path
    service: str
    drill: str
    target: str
    verdict: str
    ended: datetime
    run_id: str


class Past:
    """All evidence below one reports directory, as its files tell; ``check`` says whether one may be believed."""

    def __init__(self, reports: Path) -> None:
        self.unreadable: list[str] = []
        self._roots = {row.get("run_id"): row.get("root") for row in trend.read(reports / "trend.jsonl")}
        self._outings = sorted(self._read(reports), key=lambda outing: outing.ended, reverse=True)

    def of(self, service: str, drill: str) -> list[Outing]:
        """The outings of one drill, newest first. ``drill`` also stands for the examples of an outline."""
        return [
            outing
            for outing in self._outings
            if outing.service == service and (outing.drill == drill or outing.drill.startswith(f"{drill} ("))
        ]

    def check(self, outing: Outing) -> None:
        """Raises EvidenceError if anything in the evidence was changed after the drill."""
        root = manifest.check(outing.directory)
        kept = self._roots.get(outing.run_id)
        if kept and kept != root:
            raise EvidenceError(f"the root hash of {outing.directory} is not the one that the trend kept")

    def _read(self, reports: Path) -> Iterator[Outing]:
        for path in sorted(reports.glob(f"*/*/{manifest.NAME}")):
            if path.parent.parent.is_symlink():
                continue
            try:
                outing = _outing(path.parent)
            except (EvidenceError, ValueError, LookupError, TypeError, AttributeError) as error:
                self.unreadable.append(f"{path.parent}: {error}")
                continue
            if outing:
                yield outing


def _outing(directory: Path) -> Outing | None:
    drill: dict[str, Json] = strict_json.read(directory / "drill.json")
    verdict: dict[str, Json] = strict_json.read(directory / "verdict.json")
    if drill.get("sabotage"):
        return None
    ended = datetime.fromisoformat(str(strict_json.read_lines(directory / "events.jsonl")[-1]["utc"]))
    if ended.tzinfo is None:
        raise ValueError("its last event has no time zone")
    return Outing(
        directory=directory,
        service=str(drill["service"]),
        drill=str(drill["drill"]),
        target=str(drill["target"]),
        verdict=str(verdict["verdict"]),
        ended=ended.astimezone(UTC),
        run_id=str(drill.get("run_id", "")),
    )
