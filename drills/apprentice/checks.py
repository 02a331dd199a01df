"""What must be true of the habit tracker's records, wherever it is served from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.session import session_of
from drillbook.probe import Reading
from drillbook.sql.database import connect, rows

from . import databases, seed
from .names import AWAY, DR_CLUSTER, HOME, parameter_of

if TYPE_CHECKING:
    from drillbook.world import World


def seed_habits_are_there(world: World) -> Reading:
    """Is every seed habit there and unchanged, and whose it was, in the database at home?"""
    return seed_habits(world, served_from(world, HOME), HOME)


def seed_habits_are_there_after_failover(world: World) -> Reading:
    """The same in the cluster that the standby region serves from."""
    return seed_habits(world, DR_CLUSTER, AWAY)


def served_from(world: World, region: str) -> str:
    """The cluster that the parameter of the region names."""
    name = session_of(world).client("ssm", region).get_parameter(Name=parameter_of(region))["Parameter"]["Value"]
    cluster: str = name.partition(".")[0]
    return cluster


def seed_habits(world: World, cluster: str, region: str) -> Reading:
    """Is every seed habit in that cluster as it was written?"""
    with connect(world, databases.database(cluster, region), read_only=True) as connection:
        kept = {key: (user, name) for key, user, name in rows(connection, "select id, username, name from habit")}
    wrong = sorted(key for key, habit in seed.habits().items() if kept.get(key) != habit)
    if wrong:
        return Reading(False, f"{cluster} lacks or has changed: {', '.join(wrong)}", {"habits": len(kept)})
    return Reading(True, f"all seed habits are in {cluster}, among {len(kept)}", {"habits": len(kept)})
