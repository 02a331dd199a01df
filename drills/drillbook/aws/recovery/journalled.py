"""Recovery changes the world too: every such change is journalled, so that heal can take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from drillbook.aws.session import acting
from drillbook.errors import JournalError
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.fault import Change
    from drillbook.journal import Journal
    from drillbook.world import World


def make(world: World, factory: Callable[[World, Any], Change], settings: BaseModel) -> None:
    """Make the change that ``factory`` builds from ``settings``, with its undoing written down beforehand.

    ``factory`` is a class at the top of its module: heal finds it again by name. Raises JournalError in a world
    without a journal, and whatever the change raises.
    """
    change = factory(world, settings)
    name = f"{factory.__module__}:{factory.__qualname__}"
    with acting("recovery"):
        journal_of(world).carry_out(change, factory=name, settings=settings.model_dump(mode="json"), world=world)


def remember(world: World, key: str, value: Json) -> None:
    """Keep a decision of this run, so that a plan that is resumed takes no other one."""
    journal_of(world).remember(world.run_id, key, value)


def recall(world: World, key: str) -> Json:
    """What this run remembered under ``key``, or None."""
    return journal_of(world).recall(world.run_id, key)


def journal_of(world: World) -> Journal:
    if world.journal is None:
        raise JournalError("this recovery changes the world and has no journal", do="run it through drillbook run")
    return world.journal
