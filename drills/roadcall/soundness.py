"""What sound data is: of each incident both stores know the same, and whoever it names is there.

The services write an incident's row of the ledger first and its item a moment later. So of an incident that was being
written at the instant of which a store is read, the row may be ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.items import Item, scan
from drillbook.aws.session import session_of
from drillbook.sql.database import Database, connect, rows

from . import seed
from .names import PRIMARY, TABLES

if TYPE_CHECKING:
    from drillbook.world import World

UNDER_WAY = timedelta(seconds=2)
"""A request takes no longer than this from its row to its item."""
DEAREST = 1_000_00
"""Cents that no dispatch costs."""
_DISPATCHES = "select incident_id, revision, note, status, vendor_id, fee_cents, changed_at >= %s from dispatches"


@dataclass(frozen=True)
class Dispatch:
    """One row of the ledger. ``fresh``: it was being written when the stores were read, or as of when they are."""

    revision: int
    note: str
    status: str
    vendor: str | None
    fee: int
    fresh: bool = False


@dataclass(frozen=True)
class Records:
    """Both stores by the incident's id, and all that incidents name."""

    items: Mapping[str, Item]
    dispatches: Mapping[str, Dispatch]
    vendors: frozenset[str]
    users: frozenset[str]
    calls: Mapping[str, str]
    """Call → incident."""


def read(world: World, table: str, ledger: Database, *, at: datetime | None = None, region: str = PRIMARY) -> Records:
    """What is there now. ``at`` (UTC): the instant as of which the two stores were restored; None: they are live."""
    since = (at or world.clock.now()) - UNDER_WAY
    calls = read_items(world, TABLES["call-records"], region)
    # In the order in which they are written backwards: what an item names was there before it.
    return Records(
        calls={name: call["incident"]["S"] for name, call in calls.items()},
        items=read_items(world, table, region),
        dispatches=read_dispatches(world, ledger, since),
        vendors=frozenset(read_items(world, TABLES["vendors"], region)),
        users=frozenset(read_items(world, TABLES["users"], region)),
    )


def read_dispatches(world: World, ledger: Database, fresh_since: datetime) -> dict[str, Dispatch]:
    with connect(world, ledger, read_only=True) as connection:
        found = rows(connection, _DISPATCHES, fresh_since)
    return {name: Dispatch(*values) for name, *values in found}


def faults_in(records: Records) -> str:
    """What is wrong, in words; empty if nothing is."""
    findings = {
        "seed incidents are missing or changed": sorted(changed_seeds(records)),
        "items are nonsense": sorted(name for name, item in records.items.items() if is_corrupt(item)),
        "ledger rows are nonsense": sorted(name for name, row in records.dispatches.items() if is_nonsense(row)),
        "incidents differ between the stores": sorted(_at_odds(records)),
        "relations lead nowhere": sorted(_dangling(records)),
    }
    return "; ".join(_counted(names, what) for what, names in findings.items() if names)


def is_corrupt(item: Item) -> bool:
    """An incident has a revision that is a number, a note and a status."""
    return "N" not in item.get("revision", {}) or not {"note", "status"} <= item.keys()


def is_nonsense(row: Dispatch) -> bool:
    return not 0 < row.fee <= DEAREST


def changed_seeds(records: Records) -> Iterator[str]:
    """The incidents the service started with that are not in both stores as they were."""
    for wanted in seed.incidents():
        item, row = records.items.get(wanted["id"]), records.dispatches.get(wanted["id"])
        kept = item is not None and item.get("note") == {"S": wanted["note"]} and row is not None
        if not kept or row is None or (row.note, row.fee) != (wanted["note"], seed.FEE_CENTS):
            yield wanted["id"]


def _at_odds(records: Records) -> Iterator[str]:
    """Known to one store alone, or of another revision in each, unless it was being written."""
    for name in records.items.keys() | records.dispatches.keys():
        item, row = records.items.get(name), records.dispatches.get(name)
        if row is None or (not row.fresh and (item is None or item.get("revision") != {"N": str(row.revision)})):
            yield name


def ahead(records: Records) -> Iterator[str]:
    """Of those that were being written: the incidents whose row is not what their item is. Nonsense is nothing that a
    row could follow."""
    for name, row in records.dispatches.items():
        item = records.items.get(name)
        if row.fresh and (item is None or (not is_corrupt(item) and item["revision"] != {"N": str(row.revision)})):
            yield name


def _dangling(records: Records) -> Iterator[str]:
    for name, item in records.items.items():
        vendor, reporter = item.get("vendor", {}).get("S"), item.get("reporter", {}).get("S", "guest")
        if (vendor and vendor not in records.vendors) or (reporter != "guest" and reporter not in records.users):
            yield name
    yield from (name for name, row in records.dispatches.items() if row.vendor and row.vendor not in records.vendors)
    yield from (call for call, incident in records.calls.items() if incident not in records.items)


def read_items(world: World, table: str, region: str) -> dict[str, Item]:
    with calling(f"read {table} in {region}"):
        return {item["id"]["S"]: item for item in scan(session_of(world).client("dynamodb", region), table)}


def _counted(names: list[str], what: str) -> str:
    return f"{len(names)} {what} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
