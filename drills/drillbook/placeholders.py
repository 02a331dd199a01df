"""``{name}`` in what a service file says, and the way back: machine paths become ``{name}`` again for people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.events import Json
from drillbook.redaction import redact, secret_values

if TYPE_CHECKING:
    from drillbook.world import World


def filled(world: World, value: Json) -> Json:
    """``value`` with the placeholders of every string in it replaced. Raises UsageError naming an unknown one."""
    match value:
        case str():
            return world.fill(value)
        case dict():
            return {key: filled(world, inner) for key, inner in value.items()}
        case list() | tuple():
            return [filled(world, inner) for inner in value]
    return value


def front_door(world: World) -> dict[str, Json]:
    """The service's front door as plain JSON, ready for the canary: only ``{key}`` and ``{version}`` are left."""
    left = {name: f"{{{name}}}" for name in ("key", "version")}
    templates: dict[str, Json] = filled(
        replace(world, values={**world.values, **left}), world.service.front_door.templates()
    )
    return templates


def for_people(world: World, text: str) -> str:
    """``text`` without secrets, and with the paths of this machine given as the placeholders that stand for them."""
    paths = {value: name for name, value in world.values.items() if value.startswith("/") and len(value) > 1}
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(path, f"{{{paths[path]}}}")
    return redact(text, secret_values())
