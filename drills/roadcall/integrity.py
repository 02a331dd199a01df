"""What must be true of the data, wherever it is served from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.items import scan
from drillbook.aws.session import session_of
from drillbook.probe import Reading
from drillbook.sql.database import connect, rows
from drillbook.sql.replication import one_writer

from . import seed
from .aurora import database
from .customers import serving_region
from .names import REGIONS, TABLES

if TYPE_CHECKING:
    from drillbook.world import World

ROWS = "select incident_id, note, vendor_id from dispatches"


def one_region_takes_writes(world: World) -> Reading:
    """Two clusters that take writes are a split brain."""
    return one_writer(world, {region: database(region) for region in REGIONS})


def seed_incidents_are_whole(world: World) -> Reading:
    """Has each store of the serving region every seed incident, with its note, and each its vendor?"""
    region = serving_region(world)
    dynamodb = session_of(world).client("dynamodb", region)
    with calling(f"read incidents and vendors in {region}"):
        notes = {item["id"]["S"]: item["note"]["S"] for item in scan(dynamodb, TABLES["incidents"])}
        vendors = {item["id"]["S"] for item in scan(dynamodb, TABLES["vendors"])}
    with connect(world, database(region), read_only=True) as ledger:
        owed = {name: (note, vendor) for name, note, vendor in rows(ledger, ROWS)}
    broken = [
        one["id"]
        for one in seed.incidents()
        if notes.get(one["id"]) != one["note"] or owed.get(one["id"]) != (one["note"], one["vendor"])
        or one["vendor"] not in vendors
    ]  # fmt: skip
    said = f"{len(seed.incidents())} incidents are whole in {region}"
    return Reading(not broken, f"in {region}: {', '.join(broken[:5])} are not whole" if broken else said)
