"""A fault that a service file describes by its parts: commands, requests or Python, in any mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook import action
from drillbook.errors import FaultError
from drillbook.events import Json
from drillbook.placeholders import filled
from drillbook.service_model import Action, FaultSpec

if TYPE_CHECKING:
    from drillbook.world import World

FACTORY = "drillbook.described_fault:DescribedFault"


class DescribedFault:
    """Inject, observe and restore as the service file says.

    The settings are the fault's mapping itself with its placeholders filled, so that another process can restore
    from the journal alone. ``before`` is what ``capture`` gave, or null.
    """

    Settings = FaultSpec

    def __init__(self, world: World, settings: FaultSpec) -> None:
        self._world, self._parts = world, settings
        self.settle = settings.settle

    def describe(self) -> str:
        return action.describe(self._world, self._part("inject"))

    def touches(self) -> list[str]:
        return [self._world.fill(name) for name in self._parts.touches]

    def capture(self) -> Json:
        return action.captured(self._world, self._parts.capture) if self._parts.capture else None

    def apply(self, before: Json) -> None:
        action.perform(self._world, self._part("inject"), before)

    def restore(self, before: Json) -> None:
        action.perform(self._world, self._part("restore"), before)

    def restored(self, before: Json) -> bool:
        """What ``restored`` says; without it: is the fault surely not in effect any more?"""
        if self._parts.restored is not None:
            return action.look(self._world, self._parts.restored, before).ok is True
        return action.look(self._world, self._part("observe"), before).ok is False

    def observe(self, before: Json) -> bool:
        return action.look(self._world, self._part("observe"), before).ok is True

    def _part(self, name: str) -> Action:
        part: Action | None = getattr(self._parts, name)
        if part is None:
            raise FaultError(f"the fault has no {name!r}", do="give it in service.yaml")
        return part


def settings_of(world: World, spec: FaultSpec) -> dict[str, Json]:
    """``spec`` as the journal keeps it: JSON, complete, with today's values in place of placeholders."""
    settings: dict[str, Json] = filled(world, spec.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    return settings
