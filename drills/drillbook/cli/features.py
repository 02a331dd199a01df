"""The drills of a service, read from its feature files without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drillbook.errors import LocatedError, UsageError
from drillbook.events import Json


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
    feature = _parsed(path, shown)
    for child in _flat(feature.get("children", [])):
        scenario = child.get("scenario")
        if scenario:
            tags = [tag["name"] for tag in [*feature["tags"], *scenario["tags"]]]
            place = f"{shown}:{scenario['location']['line']}"
            yield Drill(scenario["name"], feature["name"], place, tuple(tags))


def _flat(children: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for child in children:
        yield from _flat(child["rule"]["children"]) if "rule" in child else [child]


def _parsed(path: Path, shown: Path) -> dict[str, Any]:
    from gherkin.errors import CompositeParserException, ParserException
    from gherkin.parser import Parser

    try:
        feature: dict[str, Any] = Parser().parse(path.read_text(encoding="utf-8")).get("feature") or {}  # type: ignore[assignment]
    except (CompositeParserException, ParserException) as error:
        first = error.errors[0] if isinstance(error, CompositeParserException) else error
        place = first.location or {"line": 1, "column": 1}
        what = str(first).splitlines()[0].partition("): ")[2] or str(first)
        raise LocatedError(shown, place["line"], place.get("column", 1), what, do="correct the feature") from None
    return feature
