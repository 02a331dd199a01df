"""How two descriptions of a resource differ. Restores lose configuration, and nobody else looks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from drillbook.events import Json

_IDENTITIES = ("Key", "Name", "IndexName", "AttributeName", "Id", "name", "id", "key")


@dataclass(frozen=True)
class Difference:
    """At ``path`` (``tags.chaos``) the source has one value and the copy another; None where it has nothing."""

    path: str
    source: Json
    restored: Json

    def __str__(self) -> str:
        return f"{self.path}: {_told(self.source)} in the source, {_told(self.restored)} in the copy"

    def as_json(self) -> dict[str, Json]:
        return {"path": self.path, "source": self.source, "restored": self.restored}


def diff(source: Json, restored: Json, ignore: Iterable[str] = ()) -> list[Difference]:
    """Every difference, in the order of their paths.

    The order within lists does not count: a resource's tags, indexes and attributes are sets to their owner. Paths
    that match a pattern of ``ignore`` (``created*``, ``tags.drillbook-*``), and all below them, are left out.
    """
    patterns = tuple(ignore)
    found = _differences("", source, restored)
    return sorted((each for each in found if not _ignored(each.path, patterns)), key=lambda each: each.path)


def _differences(path: str, source: Json, restored: Json) -> Iterator[Difference]:
    if isinstance(source, list) and isinstance(restored, list):
        source, restored = _by_identity(source, restored)
    if isinstance(source, dict) and isinstance(restored, dict):
        for key in source.keys() | restored.keys():
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(below, source.get(key), restored.get(key))
    elif _canonical(source) != _canonical(restored):
        yield Difference(path, source, restored)


def _by_identity(source: list[Json], restored: list[Json]) -> tuple[Json, Json]:
    """Two lists as mappings by what names their elements, or in a canonical order if nothing does."""
    for name in _IDENTITIES:
        mappings = [_keyed(elements, name) for elements in (source, restored)]
        if all(mapping is not None for mapping in mappings):
            return mappings[0], mappings[1]
    return sorted(source, key=_canonical), sorted(restored, key=_canonical)


def _keyed(elements: list[Json], name: str) -> dict[str, Json] | None:
    if not all(isinstance(element, dict) and isinstance(element.get(name), str) for element in elements):
        return None
    keyed = {element[name]: element for element in elements}
    return keyed if len(keyed) == len(elements) else None


def _ignored(path: str, patterns: tuple[str, ...]) -> bool:
    parts = path.split(".")
    above = [".".join(parts[: end + 1]) for end in range(len(parts))]
    return any(fnmatchcase(part, pattern) for part in above for pattern in patterns)


def _canonical(value: Json) -> str:
    return json.dumps(_unordered(value), sort_keys=True, default=str)


def _unordered(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _unordered(inner) for key, inner in value.items()}
    return sorted(map(_unordered, value), key=_canonical) if isinstance(value, list) else value


def _told(value: Json) -> str:
    return "nothing" if value is None else _canonical(value)
