"""What us-east-1 had acknowledged and us-west-2 never got: found in the snapshot that AWS takes of the old primary.

AWS: "Performing managed failovers for Aurora global databases" — before the old primary follows the new one, what only
it had is kept as ``rds:unplanned-global-failover-…``. Tables need no such care: their replicas send what they owe as
soon as they are back, and of two writes the later one stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import database_snapshot
from drillbook.aws.recovery.cluster_instances import shape
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.errors import TemporaryError
from drillbook.sql.database import Database, connect, rows

from .aurora import CLASS, database
from .names import CLUSTERS, DATABASE, DR, PRIMARY, SECRET

if TYPE_CHECKING:
    from drillbook.world import World

FOUND = "incidents of which only us-east-1 knew"
NEWEST = "select incident_id, revision from dispatches"
_KEPT = "rds:unplanned-global-failover-"


def count(world: World) -> None:
    """Remember which incidents are newer in what was kept than in the ledger."""
    remember(world, FOUND, newer(kept_revisions(world), revisions(world, database(DR))))


def is_counted(world: World) -> bool:
    return recall(world, FOUND) is not None


def lost(world: World) -> list[str]:
    """The incidents whose newest revision was lost, once they have been counted."""
    found: list[str] = recall(world, FOUND) or []
    return found


def told(world: World) -> str:
    names = lost(world)
    shown = f": {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else ""
    return f"Served from {PRIMARY} again. {len(names)} incidents must be entered again{shown}."


def snapshot(world: World) -> str:
    """The newest one that was kept of the old primary. Raises TemporaryError if there is none yet."""
    with calling(f"list the snapshots of {CLUSTERS[PRIMARY]}"):
        found = (
            session_of(world)
            .client("rds", PRIMARY)
            .describe_db_cluster_snapshots(DBClusterIdentifier=CLUSTERS[PRIMARY])["DBClusterSnapshots"]
        )
    ready = [
        one for one in found if one["DBClusterSnapshotIdentifier"].startswith(_KEPT) and one["Status"] == "available"
    ]
    if not ready:
        raise TemporaryError(
            f"no snapshot of what only {CLUSTERS[PRIMARY]} had", do="wait until the old primary follows the new one"
        )
    return str(max(ready, key=lambda one: one["SnapshotCreateTime"])["DBClusterSnapshotIdentifier"])


def kept_revisions(world: World) -> dict[str, int]:
    """Restore the snapshot beside the ledger, and read it."""
    target = f"roadcall-kept-{re.sub(r'[^a-z0-9]+', '-', world.run_id.lower())}".strip("-")[:60]
    database_snapshot.restore_cluster(world, snapshot(world), target, [shape(CLASS)], PRIMARY)
    return revisions(world, Database(cluster=target, region=PRIMARY, login=SECRET, name=DATABASE))


def revisions(world: World, ledger: Database) -> dict[str, int]:
    with connect(world, ledger, read_only=True) as connection:
        return {str(name): int(revision) for name, revision in rows(connection, NEWEST)}


def newer(there: dict[str, int], here: dict[str, int]) -> list[str]:
    """Names with a higher revision ``there``, or none ``here``."""
    return sorted(name for name, revision in there.items() if revision > here.get(name, 0))
