"""The standby of a Multi-AZ instance: synchronous, in another zone, and the primary as soon as that one fails.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.rds.happenings import tell

if TYPE_CHECKING:
    from drillbook.embedded.rds.database import Database

_STANDBY = "standby"
_SYNCHRONOUS = f"FIRST 1 ({_STANDBY})"
_IN_SYNC = "select exists (select from pg_stat_replication where application_name = %s and sync_state = 'sync')"


def add_standby(database: Database) -> None:
    """On return no commit is acknowledged that the standby does not have."""
    primary, instance = database.running_primary(), database.instance
    zone = instance.secondary_availability_zone or other_zone(instance.availability_zone)
    instance.secondary_availability_zone = zone
    standby = database.equip(database.engine.copy_of(primary, f"{instance.db_instance_identifier}-standby"), zone)
    standby.follow(primary.home, _STANDBY)
    database.standby = standby
    try:
        standby.start()
        primary.reload(synchronous_standby_names=_SYNCHRONOUS)
        primary.await_sql("the synchronous standby", _IN_SYNC, _STANDBY)
    except PostgresFailed:
        drop_standby(database)
        raise


def drop_standby(database: Database) -> None:
    """Go on without a standby."""
    standby, database.standby = database.standby, None
    if database.primary is not None and database.primary.running:
        database.primary.reload(synchronous_standby_names="")
    if standby is not None:
        database.engine.discard(standby)


def fail_over(database: Database) -> None:
    """Make the standby the primary, and a new standby in the zone of the old one."""
    old, new, instance = database.primary, database.standby, database.instance
    if new is None or not new.running:
        raise PostgresFailed("there is no standby to fail over to")
    tell(instance, "FAILOVER_STARTED")
    if old is not None:
        old.kill()
    new.promote()
    database.primary, database.standby = new, None
    here, there = instance.availability_zone, instance.secondary_availability_zone
    instance.availability_zone, instance.secondary_availability_zone = there, here
    database.fault = "none"
    database.refresh_door()
    database.estate.lead_replicas_of(database)
    tell(instance, "FAILOVER_COMPLETED")
    if old is not None:
        database.engine.discard(old)
    if not database.standby_dark:
        add_standby(database)


def other_zone(zone: str) -> str:
    """Another zone of the same region."""
    return zone[:-1] + ("b" if zone.endswith("a") else "a")
