"""The drills of a service, read from its feature files without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from drillbook.errors import UsageError
from drillbook.events import Json
from drillbook.feature_file import flat, parsed


@dataclass(frozen=True)
class Drill:
    """One scenario. ``place`` is ``file:line``, relative to the root."""

    drill: str
    feature: str
    place: str
    tags: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        return {**asdict(self), "tags": list(self.tags)}


def folder_of(root: Path, service: str) -> Path:
    """``features/<service>``. Raises UsageError if the service has no features."""
    folder = root / "features" / service
    if not any(folder.glob("**/*.feature")):
        raise UsageError(
            f"{service} has no drills: there is no .feature in {folder}", do="write one; see docs/write-a-feature.md"
        )
    return folder


def drills_of(root: Path, service: str) -> list[Drill]:
    """Every scenario in ``features/<service>``, in the order of the files. Raises LocatedError for a broken feature."""
    return [
        drill
        for path in sorted((root / "features" / service).glob("**/*.feature"))
        for drill in _drills_in(path, path.relative_to(root))
    ]


def _drills_in(path: Path, shown: Path) -> Iterator[Drill]:
    feature = parsed(path, shown) or {}
    for child in flat(feature):
        scenario = child.get("scenario")
        if scenario:
            tags = [tag["name"] for tag in [*feature["tags"], *scenario["tags"]]]
            place = f"{shown}:{scenario['location']['line']}"
            yield Drill(scenario["name"], feature["name"], place, tuple(tags))
