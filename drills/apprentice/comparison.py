"""What do two clusters of the habit tracker hold: the same, or has one what the other lacks?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import notice
from drillbook.aws.recovery.journalled import remember
from drillbook.errors import PermanentError
from drillbook.events import EventKind
from drillbook.sql.database import connect, rows

from .databases import database
from .names import AWAY, CLUSTER, DR_CLUSTER, HOME

if TYPE_CHECKING:
    from drillbook.world import World

ONLY_HOME = "only home holds"
RECORDS = {
    "auth_user": "select username, md5(u::text) from auth_user u",
    "auth_session": "select digest, md5(s::text) from auth_session s",
    "habit": "select id, md5(h::text) from habit h",
}
Contents = dict[str, dict[str, str]]
"""Table → key → digest of the row."""


def contents(world: World, cluster: str, region: str) -> Contents:
    with connect(world, database(cluster, region), read_only=True) as connection:
        return {table: dict(rows(connection, statement)) for table, statement in RECORDS.items()}


def differing(one: Contents, other: Contents) -> list[str]:
    """``table key`` of each row that is not the same in both."""
    return [
        f"{table} {key}"
        for table, records in one.items()
        for key in sorted(records.keys() | other[table].keys())
        if records.get(key) != other[table].get(key)
    ]


def demand_the_same(world: World, cluster: str) -> None:
    """The cluster at home must hold what us-west-2 holds, row by row; both take no writes meanwhile.

    Raises PermanentError with what differs.
    """
    wrong = differing(contents(world, DR_CLUSTER, AWAY), contents(world, cluster, HOME))
    if wrong:
        raise PermanentError(
            f"{len(wrong)} records differ between {AWAY} and home: {', '.join(wrong[:5])}",
            do="stop writes, take another snapshot and bring that home; traffic stays where it is",
        )


def note_what_only_home_holds(world: World) -> None:
    """Habits of the old cluster that were never copied: lost by the failover, and still here for whoever wants them."""
    here, there = (contents(world, *place)["habit"] for place in ((CLUSTER, HOME), (DR_CLUSTER, AWAY)))
    only = sorted(here.keys() - there.keys())
    remember(world, ONLY_HOME, only)
    world.events.emit(EventKind.NOTE, "records at home alone", keys=only)
    notice.record(
        world, ONLY_HOME, f"{len(only)} habits that were not copied in time: {', '.join(only[:20]) or 'none'}"
    )
