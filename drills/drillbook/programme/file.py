"""``drills/programmes.yaml``: find a programme, and the drills that it means.

A mistake is told as in a service file: ``drills/programmes.yaml:12:5: there is no service 'notse' — did you mean …``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from drillbook import service as services
from drillbook import service_mistakes, service_yaml
from drillbook.cli import features
from drillbook.cli.features import Drill
from drillbook.errors import UsageError
from drillbook.programme.model import Programme, Programmes, Selector
from drillbook.service_yaml import Document, Loc, nearest

NAME = "programmes.yaml"


@dataclass(frozen=True)
class Planned:
    """One drill of a programme."""

    service: str
    drill: Drill

    @property
    def file(self) -> str:
        """The feature, relative to the root."""
        return self.drill.place.rpartition(":")[0]


def path_of(root: Path) -> Path:
    return root / "drills" / NAME


def load(root: Path) -> dict[str, Programme]:
    """Every programme of the repository. Raises LocatedError for the first mistake, UsageError if there is no file."""
    return _read(root)[1]


def find(root: Path, name: str) -> Programme:
    """The programme called ``name``. Raises UsageError with the nearest name when there is none."""
    known = load(root)
    if name not in known:
        raise UsageError(
            f"there is no programme {name!r} in {service_yaml.shown(path_of(root))}", do=nearest(name, known)
        )
    return known[name]


def drills_of(root: Path, name: str) -> list[Planned]:
    """The drills of a programme, each once, in the order of the file.

    Raises LocatedError for a selector that fits nothing, UsageError for an unknown or an empty programme.
    """
    programme = find(root, name)
    document = _document(root)
    found = {
        (planned.service, planned.drill.place): planned
        for index, selector in enumerate(programme.drills)
        for planned in _selected(root, document, ("programmes", name, "drills", index), selector, programme)
    }
    if not found:
        raise document.mistake(
            ("programmes", name), f"the programme {name!r} has no drills", do="list some, under drills", at_key=True
        )
    return list(found.values())


def _read(root: Path) -> tuple[Document, dict[str, Programme]]:
    document = _document(root)
    try:
        return document, Programmes.model_validate(document.data).programmes
    except ValidationError as error:
        found = service_mistakes.of_shape(document, error)
        raise min(found, key=lambda each: (each.line, each.column)) from None


def _document(root: Path) -> Document:
    path = path_of(root)
    if not path.exists():
        raise UsageError(f"there is no {service_yaml.shown(path)}", do="write one; see docs/programmes.md")
    return service_yaml.parse(path, start="programmes:")


def _selected(root: Path, document: Document, loc: Loc, selector: Selector, programme: Programme) -> list[Planned]:
    known = {path.parent.name for path in services.discover(root)}
    if selector.service not in known:
        what = f"there is no service {selector.service!r}"
        raise document.mistake((*loc, "service"), what, do=nearest(selector.service, known))
    service = services.find(root, selector.service)
    if programme.target and programme.target not in service.targets:
        what = f"{service.name} has no target {programme.target!r}"
        raise document.mistake((*loc, "service"), what, do=f"it has: {', '.join(service.targets)}")
    drills = features.drills_of(root, service.name)
    if not drills:
        raise document.mistake((*loc, "service"), f"{service.name} has no drills", do="write a feature for it")
    for key, words in _WORDS.items():
        if (wanted := getattr(selector, key)) is not None:
            drills = _narrowed(document, (*loc, key), drills, wanted, words)
    return [Planned(service.name, drill) for drill in drills]


def _narrowed(
    document: Document, loc: Loc, drills: list[Drill], wanted: str, words: Callable[[Drill], Iterable[str]]
) -> list[Drill]:
    fitting = [drill for drill in drills if wanted.casefold() in {word.casefold() for word in words(drill)}]
    if not fitting:
        known = {word for drill in drills for word in words(drill)}
        raise document.mistake(loc, f"there is no {loc[-1]} {wanted!r} here", do=nearest(wanted, known))
    return fitting


_WORDS: dict[str, Callable[[Drill], Iterable[str]]] = {
    "feature": lambda drill: (drill.feature, Path(drill.place.rpartition(":")[0]).stem),
    "tag": lambda drill: [tag.removeprefix("@") for tag in drill.tags],
    "scenario": lambda drill: (drill.drill,),
}
