"""The monthly test: does replication run, and can the newest backups be restored? Nothing is broken, nothing stays.

The backups of the table and of the ledger are of different instants, so each is compared with what is served, and not
the two with each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import backup_restore, cluster_instances, notice, recovery_points
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError, TemporaryError
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.sql.database import Database

from . import aurora, readiness, soundness
from .names import CLUSTERS, PRIMARY, TABLES, VAULT, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
TABLE, TEST_TABLE = TABLES["incidents"], f"{TABLES['incidents']}-monthly-test"
LEDGER, TEST_LEDGER = CLUSTERS[PRIMARY], f"{CLUSTERS[PRIMARY]}-monthly-test"
LOOKS, COMPARES, REMOVES = "verify the replication", "compare with what is served", "remove what was restored"
RESTORES_TABLE, RESTORES_LEDGER = "restore the newest backup of the table", "restore the newest backup of the ledger"
CONTACTS = "Call each number of the contact list, and correct what is wrong."
RUNBOOK = "Read what changed in the runbook and in services.yaml since the last test, and see that they agree."


def test_backups(world: World) -> Plan:
    """The four lines of the runbook's monthly test; the two that only people can do go beside the others."""
    return Plan("monthly test", (*_by_machine(world), *_by_people(world)))


def _by_machine(world: World) -> tuple[Step, ...]:
    return (
        Step(LOOKS, lambda: None, Phase.VERIFY, budget=15 * MINUTE, verify=lambda: replication_runs(world)),
        Step(RESTORES_TABLE, lambda: restore_table(world), budget=60 * MINUTE, after=(LOOKS,),
             verify=lambda: bool(soundness.read_items(world, TEST_TABLE, PRIMARY))),
        Step(RESTORES_LEDGER, lambda: restore_ledger(world), budget=120 * MINUTE, after=(LOOKS,),
             verify=lambda: cluster_instances.is_served(world, TEST_LEDGER, PRIMARY)),
        Step(COMPARES, lambda: demand_same(world), Phase.VERIFY, budget=15 * MINUTE,
             after=(RESTORES_TABLE, RESTORES_LEDGER)),
        Step(REMOVES, lambda: remove(world), budget=30 * MINUTE, after=(COMPARES,)),
        notice.notice_step(world, "tell the owners", topic_arn(session_of(world).account, PRIMARY),
                           "Monthly test of the backups", "The newest backups can be restored, and are sound.",
                           budget=5 * MINUTE),
    )  # fmt: skip


def _by_people(world: World) -> tuple[Step, ...]:
    first = notice.record_step(world, "open the test's record", "monthly test", "begun", budget=1 * MINUTE)
    return (
        replace(first, after=()),
        Step("review the runbook", lambda: RUNBOOK, budget=60 * MINUTE, after=(first.name,), manual=True),
        Step("update the contacts", lambda: CONTACTS, budget=30 * MINUTE, after=(first.name,), manual=True),
    )


# -- the steps --------------------------------------------------------------------------------------------------------


def replication_runs(world: World) -> bool:
    """Raises TemporaryError with what does not replicate (yet)."""
    looks: tuple[Callable[[World], Reading], ...] = (
        readiness.replicas_are_active,
        readiness.ledger_lags_less_than_a_second,
        readiness.recordings_replicate,
    )
    for look in looks:
        if not (reading := look(world)).ok:
            raise TemporaryError(f"replication: {reading.value}", do="repair it before it is needed")
    return True


def restore_table(world: World) -> None:
    arn = f"arn:aws:dynamodb:{PRIMARY}:{session_of(world).account}:table/{TABLE}"
    point = recovery_points.choose(world, VAULT, arn, PRIMARY)
    backup_restore.restore(world, point, TEST_TABLE, role=_role(world))


def restore_ledger(world: World) -> None:
    """With one instance, or nobody could look into it."""
    arn = f"arn:aws:rds:{PRIMARY}:{session_of(world).account}:cluster:{LEDGER}"
    point = recovery_points.choose(world, VAULT, arn, PRIMARY)
    backup_restore.restore(world, point, TEST_LEDGER, role=_role(world))
    cluster_instances.add(world, TEST_LEDGER, [cluster_instances.shape(aurora.CLASS)], PRIMARY)


def demand_same(world: World) -> None:
    """Raises PermanentError unless both restores hold what they must, and nothing else that is wrong."""
    records = soundness.read(world, TEST_TABLE, restored_ledger())
    changed = sorted(soundness.changed_seeds(records))
    nonsense = [name for name, item in records.items.items() if soundness.is_corrupt(item)]
    nonsense += [name for name, row in records.dispatches.items() if soundness.is_nonsense(row)]
    if changed or nonsense:
        told = f"{len(changed)} incidents are missing or changed, {len(nonsense)} are nonsense"
        raise PermanentError(
            f"the restored backups are not what is served: {told}", do="see what the backup plan takes"
        )


def remove(world: World) -> None:
    backup_restore.discard(world, "DynamoDB", TEST_TABLE, PRIMARY)
    backup_restore.discard(world, "Aurora", TEST_LEDGER, PRIMARY)


def restored_ledger() -> Database:
    return aurora.database(PRIMARY).model_copy(update={"cluster": TEST_LEDGER})


def _role(world: World) -> str:
    return f"arn:aws:iam::{session_of(world).account}:role/roadcall-backup"


# -- the check --------------------------------------------------------------------------------------------------------


def nothing_is_left(world: World) -> Reading:
    """Are the test's table and cluster gone again?"""
    session = session_of(world)
    with calling("look for what the test restored"):
        tables = session.client("dynamodb", PRIMARY).list_tables()["TableNames"]
        clusters = session.client("rds", PRIMARY).describe_db_clusters()["DBClusters"]
    known = {*tables, *(cluster["DBClusterIdentifier"] for cluster in clusters)}
    left = sorted({TEST_TABLE, TEST_LEDGER} & known)
    return Reading(not left, f"{' and '.join(left)} cost money" if left else "nothing of the test is left")
