"""Feature files as text: for ``drillbook list`` and for the guards, which look before pytest-bdd imports anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drillbook.errors import LocatedError


def scenario_names(path: Path) -> list[str]:
    """The names of all scenarios in ``path``, those inside rules too. Raises LocatedError if it is no Gherkin."""
    return [child["scenario"]["name"] for child in flat(parsed(path, path) or {}) if "scenario" in child]


def flat(parent: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The children of a feature, with those of rules in the rules' places."""
    for child in parent.get("children", []):
        yield from flat(child["rule"]) if "rule" in child else [child]


def parsed(path: Path, shown: Path) -> dict[str, Any] | None:
    """The feature in ``path`` as Gherkin's own mapping; None if the file holds none.

    Raises LocatedError, telling the file as ``shown``, if it is no Gherkin.
    """
    from gherkin.errors import CompositeParserException, ParserException
    from gherkin.parser import Parser

    try:
        document: dict[str, Any] = Parser().parse(path.read_text(encoding="utf-8"))  # type: ignore[assignment]
    except (CompositeParserException, ParserException) as error:
        first = error.errors[0] if isinstance(error, CompositeParserException) else error
        place = first.location or {"line": 1, "column": 1}
        what = str(first).splitlines()[0].partition("): ")[2] or str(first)
        raise LocatedError(shown, place["line"], place.get("column", 1), what, do="correct the feature") from None
    feature: dict[str, Any] | None = document.get("feature")
    return feature
