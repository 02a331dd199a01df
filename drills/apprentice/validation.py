"""The monthly test: can the newest backup be restored, and does it hold what production held?

In a test cluster beside production, which goes on undisturbed; nothing of the test is left.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from drillbook.aws.recovery import backup_restore, cluster_instances, notice, recovery_points
from drillbook.aws.recovery import database_kinds as kinds
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.recovery.recovery_points import RecoveryPoint
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.sql.database import connect, rows

from . import soundness
from .api import role_arn
from .databases import database
from .names import BACKUP_ROLE, CLUSTER, HOME, INSTANCE_CLASS, PREFIX, VAULT, cluster_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
TEST_CLUSTER = f"{PREFIX}-test-restore"
POINT = "backup under test"
CHOOSES, RESTORES, CONNECTS, COMPARES, CLEANS = (
    "choose the newest backup", "restore it to a test cluster", "give the test cluster an instance",
    "compare its records with production", "delete the test cluster",
)  # fmt: skip
OLDER = {
    "auth_user": "select username, email from auth_user where joined < %s",
    "habit": "select id, username, name, frequency from habit where changed < %s",
}
"""What has not changed in production since an instant; a backup begun later must hold it. First the key."""


def validate_backup(world: World) -> Plan:
    return Plan(
        "validate the newest backup",
        (
            Step(CHOOSES, lambda: choose(world), Phase.DECIDE, budget=5 * MINUTE,
                 check=lambda: recall(world, POINT) is not None),
            Step(RESTORES, lambda: restore(world), budget=60 * MINUTE,
                 check=lambda: kinds.is_available(world, kinds.CLUSTER, TEST_CLUSTER, HOME)),
            Step(CONNECTS, lambda: add_instance(world), budget=15 * MINUTE,
                 verify=lambda: cluster_instances.is_served(world, TEST_CLUSTER, HOME)),
            Step(COMPARES, lambda: compare(world), Phase.VERIFY, budget=15 * MINUTE),
            Step(CLEANS, lambda: backup_restore.discard(world, "Aurora", TEST_CLUSTER, HOME), budget=20 * MINUTE,
                 check=lambda: is_gone(world), verify=lambda: is_gone(world)),
            notice.record_step(world, "write down the result", "backup validated", lambda: result(world),
                               budget=5 * MINUTE),
        ),
    )  # fmt: skip


def choose(world: World) -> None:
    """The newest by its date; the first of AWS's list, which the runbook takes, may be any."""
    point = recovery_points.choose(world, VAULT, cluster_arn(session_of(world).account, CLUSTER, HOME), HOME)
    remember(world, POINT, {"arn": point.arn, "created": utc_text(point.created)})


def chosen(world: World) -> RecoveryPoint:
    known = recall(world, POINT)
    if known is None:
        raise PermanentError("nobody has chosen a backup", do="run the plan from its first step")
    arn = cluster_arn(session_of(world).account, CLUSTER, HOME)
    return next(point for point in recovery_points.points(world, VAULT, arn, HOME) if point.arn == known["arn"])


def restore(world: World) -> None:
    role = role_arn(session_of(world).account, BACKUP_ROLE)
    backup_restore.restore(world, chosen(world), TEST_CLUSTER, role=role)


def add_instance(world: World) -> None:
    """AWS Backup restores the storage alone: without an instance nobody can connect, and the test tests nothing."""
    cluster_instances.add(world, TEST_CLUSTER, [cluster_instances.shape(INSTANCE_CLASS)], HOME)


def compare(world: World) -> None:
    """Every record that production has unchanged since before the backup must be in it, as it is there.

    Raises PermanentError with what is missing or different.
    """
    soundness.demand(world, TEST_CLUSTER, HOME)
    before, counted = chosen(world).created, {}
    for table, statement in OLDER.items():
        there, restored = (_records(world, each, statement, before) for each in (CLUSTER, TEST_CLUSTER))
        wrong = sorted(str(key) for key, record in there.items() if restored.get(key) != record)
        if wrong:
            raise PermanentError(
                f"{len(wrong)} of {len(there)} records of {table} are not in the backup as in production: "
                + ", ".join(wrong[:5]),
                do="see the backup job's messages, and validate an older recovery point",
            )
        counted[table] = len(there)
    remember(world, POINT, {**recall(world, POINT), "compared": counted})


def _records(world: World, cluster: str, statement: str, before: datetime) -> dict[Json, tuple[Json, ...]]:
    with connect(world, database(cluster), read_only=True) as connection:
        return {record[0]: record for record in rows(connection, statement, before)}


def result(world: World) -> str:
    known = recall(world, POINT)
    compared = ", ".join(f"{count} of {table}" for table, count in known["compared"].items())
    return f"the recovery point of {known['created']} restores; compared with production: {compared}"


def is_gone(world: World) -> bool:
    return kinds.look(kinds.rds_of(world, HOME), kinds.CLUSTER, TEST_CLUSTER) is None


def nothing_is_left(world: World) -> Reading:
    """Are the test cluster and its instances gone? They cost money, and the next month's test needs the name."""
    rds = kinds.rds_of(world, HOME)
    left = [f"cluster {TEST_CLUSTER}"] if not is_gone(world) else []
    listed = rds.describe_db_instances()["DBInstances"]
    left += [each["DBInstanceIdentifier"] for each in listed if each.get("DBClusterIdentifier") == TEST_CLUSTER]
    return Reading(not left, f"left: {', '.join(left)}" if left else "nothing of the test is left")
