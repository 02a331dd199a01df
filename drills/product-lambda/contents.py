"""What a sound catalogue is, and the look at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.items import Item, scan
from drillbook.aws.probes.table import describe_configuration
from drillbook.aws.recovery import environment
from drillbook.aws.session import session_of
from drillbook.probe import Reading

from . import seed
from .names import TABLE, standby

if TYPE_CHECKING:
    from drillbook.world import World

TABLE_VARIABLE = "DYNAMODB_TABLE"
PROTECTION = ("point-in-time recovery", "time to live", "stream", "replicas", "tags", "alarms")


def products_are_intact(world: World) -> Reading:
    """Is every seed product, unchanged, in the table that is served now, and nothing in it corrupt?"""
    return judged(world, environment.variable(world, "product-list", TABLE_VARIABLE) or TABLE)


def products_are_intact_in_the_standby(world: World) -> Reading:
    """The same, of what the standby serves while the primary region is dark."""
    region = standby(world)
    table = environment.variable(world, "product-list", TABLE_VARIABLE, region=region) or TABLE
    return judged(world, table, region)


def the_table_is_protected(world: World) -> Reading:
    """Has the table all that a restore drops: recovery to every second, expiry, stream, replica, tags, alarm?"""
    has = describe_configuration(session_of(world), TABLE)
    lacks = [setting for setting in PROTECTION if not has[setting]]
    return Reading(not lacks, f"{TABLE} lacks {', '.join(lacks)}" if lacks else f"{TABLE} lacks nothing", has)


def judged(world: World, table: str, region: str | None = None) -> Reading:
    items = list(products_in(world, table, region))
    data = {"table": table, "items": len(items)}
    if wrong := faults_in(items):
        return Reading(False, f"in {table}: {wrong}", data)
    return Reading(True, f"{len(items)} products in {table} are sound", data)


def products_in(world: World, table: str, region: str | None = None) -> list[Item]:
    with calling(f"read the products in {table}"):
        return list(scan(session_of(world).client("dynamodb", region), table))


def is_corrupt(item: Item) -> bool:
    """A product has a name, and a price that is a number."""
    return "N" not in item.get("price", {}) or "S" not in item.get("name", {})


def faults_in(items: Iterable[Item]) -> str:
    """What is wrong with the catalogue, in words; empty if nothing is."""
    present = {item["id"]["S"]: item for item in items}
    missing = sorted(seed.products().keys() - present.keys())
    corrupt = sorted(key for key, item in present.items() if is_corrupt(item))
    changed = sorted(
        key for key, item in seed.products().items() if present.get(key, item) != item and key not in corrupt
    )
    findings = {"missing": missing, "corrupt": corrupt, "changed": changed}
    return "; ".join(f"{_counted(keys)} {what}" for what, keys in findings.items() if keys)


def _counted(keys: list[str]) -> str:
    return f"{len(keys)} products ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})"
