"""Standing a service up is a change like any other: journalled first, so that heal can take it down again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook import fault, service_actions
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.world import World

FACTORY = "drillbook.targets.stand_up:StandUp"


class StandUp:
    """The service's ``stand_up`` actions; undone by its ``tear_down``."""

    Settings = fault.Settings
    settle = 1.0

    def __init__(self, world: World, settings: fault.Settings) -> None:
        del settings
        self._world = world
        self._torn_down = False

    def describe(self) -> str:
        return f"{self._world.service.name} is stood up on {self._world.target}"

    def touches(self) -> list[str]:
        return [f"{self._world.target}:{self._world.service.name}"]

    def capture(self) -> Json:
        return None

    def apply(self, before: Json) -> None:
        del before
        service_actions.stand_up(self._world)

    def restore(self, before: Json) -> None:
        del before
        service_actions.tear_down(self._world)
        self._torn_down = True

    def restored(self, before: Json) -> bool:
        """Its ``tear_down`` actions ended well; what they did is theirs to know."""
        del before
        return self._torn_down
