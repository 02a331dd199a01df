"""What a service's model demands of a request: which members there must be, of what type, how long, out of which set.

The models are AWS's own, as botocore carries them. Source: "Constraint traits"
(https://smithy.io/2.0/spec/constraint-traits.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from botocore.model import Shape

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (Mapping,),
    "map": (Mapping,),
    "list": (list, tuple),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
}
_ANY_BODY = ("blob", "timestamp", "float", "double")
"""Types whose values have many forms: left to whoever reads them."""


@dataclass(frozen=True)
class Breach:
    """One member that is not as the model demands. ``path`` as AWS writes it: ``changes.1.member.action``."""

    path: str
    kind: Literal["missing", "type", "constraint"]
    value: Any
    demand: str

    def __str__(self) -> str:
        shown = "null" if self.kind == "missing" else f"'{str(self.value)[:200]}'"
        return f"Value {shown} at '{self.path}' failed to satisfy constraint: {self.demand}"


def breaches(shape: Shape | None, value: Any, path: str = "") -> Iterator[Breach]:
    """All that is wrong with ``value``, which is to be of ``shape``. What the model does not know is not looked at."""
    if shape is None:
        return
    wanted = _TYPES.get(shape.type_name, ())
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
        yield Breach(path, "type", value, f"Member must be of type {shape.type_name}")
        return
    yield from _constraints(shape, value, path)
    for inner, one, name in _members(shape, value):
        if one is None:
            yield Breach(_join(path, name), "missing", None, "Member must not be null")
        else:
            yield from breaches(inner, one, _join(path, name))


def _members(shape: Any, value: Any) -> Iterator[tuple[Shape, Any, str]]:
    """What is in it; a required member that is not comes as None."""
    if shape.type_name == "structure":
        for name, inner in shape.members.items():
            if value.get(name) is not None or name in shape.required_members:
                yield inner, value.get(name), name[:1].lower() + name[1:]
    elif shape.type_name == "list":
        for place, one in enumerate(value, 1):
            yield shape.member, one, f"{place}.member"
    elif shape.type_name == "map":
        for key, one in value.items():
            yield shape.key, key, f"{key}.key"
            yield shape.value, one, f"{key}.member"


def _constraints(shape: Any, value: Any, path: str) -> Iterator[Breach]:
    demands = shape.metadata
    least, most = demands.get("min"), demands.get("max")
    size = len(value) if isinstance(value, Sized) else value
    measured = "length" if isinstance(value, Sized) else "value"
    if shape.type_name not in _ANY_BODY:
        if least is not None and size < least:
            yield Breach(path, "constraint", value, f"Member must have {measured} greater than or equal to {least}")
        if most is not None and size > most:
            yield Breach(path, "constraint", value, f"Member must have {measured} less than or equal to {most}")
    if not isinstance(value, str):
        return
    if (allowed := getattr(shape, "enum", None)) and value not in allowed:
        yield Breach(path, "constraint", value, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    pattern = demands.get("pattern")
    if pattern and (known := _compiled(pattern)) and not known.fullmatch(value):
        yield Breach(path, "constraint", value, f"Member must satisfy regular expression pattern: {pattern}")


@lru_cache(512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for what only Java's regular expressions have, such as ``\\p{L}``."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
