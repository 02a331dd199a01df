"""When the habit tracker's records are sound: what an operator asks the database before and after a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.errors import PermanentError
from drillbook.sql import validation
from drillbook.sql.query import Expectation
from drillbook.sql.validation import Check

from . import seed
from .databases import database

if TYPE_CHECKING:
    from drillbook.probe import Reading
    from drillbook.world import World

CHECKS = (
    Check("unsound habits", "select count(*) from unsound_habit", Expectation(at_most=0)),
    Check("seed habits", "select count(*) from habit where username <> 'canary' and id ~ '-[0-9]$'",
          Expectation(at_least=len(seed.habits()))),
    validation.no_orphans("habit", "username", "auth_user", "username"),
    validation.no_orphans("auth_session", "username", "auth_user", "username"),
)  # fmt: skip


def look(world: World, cluster: str, region: str, *more: Check) -> Reading:
    """Are the records of that cluster sound, and is ``more`` true of them?"""
    return validation.validate(world, database(cluster, region), (*CHECKS, *more))


def demand(world: World, cluster: str, region: str, *more: Check) -> None:
    """Raises PermanentError with every check that does not hold."""
    reading = look(world, cluster, region, *more)
    if reading.ok is not True:
        raise PermanentError(
            f"the records of {cluster} are not known to be sound: {reading}",
            do="restore to another instant or from another backup; traffic stays where it is",
        )
