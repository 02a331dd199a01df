"""Scenario 3: habits are corrupted. Restore to the second before, beside the corrupted cluster, and repoint.

The corrupted cluster is deleted by a plan of its own, after somebody has looked, and not without a snapshot.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drillbook.aws.recovery import (
    alarms,
    cluster_instances,
    database_point_in_time,
    environment,
    notice,
    parameter,
    recovery_points,
    replaced_cluster,
)
from drillbook.aws.recovery import database_kinds as kinds
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.sql import read_only
from drillbook.sql.database import connect, rows
from drillbook.sql.query import Expectation
from drillbook.sql.validation import Check

from . import failover, soundness
from .checks import served_from
from .databases import database
from .names import CLUSTER, HOME, PREFIX, VAULT, cluster_arn, endpoint_name, function_of, parameter_of, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
BEGAN = "when the corruption began"
STOPS = "stop writes"
FINDS = "find when the corruption began"
RESTORES = "restore to a new cluster"
VALIDATES = "validate the restored records"
REPOINTS = "repoint the parameter"
RESTARTS = "restart the function"


def restore(world: World) -> Plan:
    """Steps 1 to 9 of the runbook. Nothing of the corrupted cluster is touched but that it takes no more writes."""
    return Plan("restore to before the corruption", (*_decide(world), *_bring_back(world), *_tell(world)))


def delete_corrupted(world: World) -> Plan:
    """Step 10, which the runbook does without a snapshot and without having looked."""
    return Plan(
        "delete the corrupted cluster",
        (
            Step("see that nothing uses it any more", lambda: None, Phase.VERIFY, budget=5 * MINUTE,
                 verify=lambda: served_from(world, HOME) == restored_cluster(world)),
            Step("delete it, and keep a snapshot", lambda: delete(world), budget=60 * MINUTE,
                 check=lambda: is_deleted(world), verify=lambda: is_deleted(world)),
            notice.record_step(world, "close the incident", "closed", f"{CLUSTER} is deleted, {CLUSTER}-last is kept",
                               budget=5 * MINUTE),
        ),
    )  # fmt: skip


def _decide(world: World) -> tuple[Step, ...]:
    def unless_repointed() -> bool:
        return is_repointed(world)

    return (
        notice.record_step(world, "declare the incident", "declared", "habits have names that nobody gave them",
                           budget=5 * MINUTE),
        Step(STOPS, lambda: read_only.stop_writes(world, database()), budget=5 * MINUTE,
             check=unless_repointed, verify=lambda: read_only.is_read_only(world, database())),
        Step(FINDS, lambda: find_when_it_began(world), Phase.DECIDE, budget=15 * MINUTE,
             check=lambda: recall(world, BEGAN) is not None),
        Step("choose a backup from before", lambda: choose_backup(world), Phase.DECIDE, budget=5 * MINUTE,
             check=lambda: "restore to" in [each["entry"] for each in notice.incident(world)]),
        Step("wait until that second can be restored", lambda: wait_until_restorable(world), budget=10 * MINUTE,
             check=unless_repointed),
    )  # fmt: skip


def _bring_back(world: World) -> tuple[Step, ...]:
    return (
        Step(RESTORES, lambda: restore_cluster(world), budget=45 * MINUTE,
             check=lambda: is_restored(world), verify=lambda: is_restored(world)),
        Step("carry over its alarms", lambda: carry_over_alarms(world), budget=5 * MINUTE),
        Step(VALIDATES, lambda: validate(world), Phase.VERIFY, budget=15 * MINUTE),
        Step(REPOINTS, lambda: repoint(world), budget=5 * MINUTE,
             check=lambda: is_repointed(world), verify=lambda: is_repointed(world)),
        Step(RESTARTS, lambda: environment.restart(world, function_of(HOME), why=BEGAN), budget=5 * MINUTE,
             check=lambda: environment.is_restarted(world, function_of(HOME), why=BEGAN),
             verify=lambda: environment.is_restarted(world, function_of(HOME), why=BEGAN)),
        Step("validate as a customer", lambda: None, Phase.VERIFY, budget=10 * MINUTE,
             verify=lambda: failover.validate(world)),
    )  # fmt: skip


def _tell(world: World) -> tuple[Step, ...]:
    topic = topic_arn(session_of(world).account, HOME)
    return (
        notice.notice_step(world, "tell the users", topic, "Habits are restored", lambda: loss_notice(world),
                           budget=5 * MINUTE),
        Step("write the new endpoint down where the infrastructure is declared", lambda: HAND_OVER, Phase.COMMUNICATE,
             budget=15 * MINUTE, manual=True),
    )  # fmt: skip


HAND_OVER = "Set WriterEndpoint of the stack to the new cluster's: the next deployment would repoint the function back."


# -- the steps --------------------------------------------------------------------------------------------------------


def find_when_it_began(world: World) -> None:
    """When the first of the corrupted rows was changed, by the database's clock. Remembered: it is decided once."""
    with connect(world, database(), read_only=True) as connection:
        began = rows(connection, "select min(changed) from unsound_habit")[0][0]
    if began is None:
        raise PermanentError("no habit is corrupted", do="see what the report of wrong data was about")
    remember(world, BEGAN, utc_text(began))


def restore_instant(world: World) -> datetime:
    """The last whole second before the corruption: RDS restores to whole seconds."""
    began = recall(world, BEGAN)
    if began is None:
        raise PermanentError("nobody has found out when the corruption began", do="run the plan from its first step")
    return (datetime.fromisoformat(began) - timedelta(milliseconds=1)).replace(microsecond=0)


def choose_backup(world: World) -> None:
    """The runbook restores to the hour of a backup; a cluster can be restored to any second, so it loses less.

    But deleting the corrupted cluster deletes its automated backups: without a recovery point from before there would
    be nothing left of that time, and the plan does not begin. Raises PermanentError if there is none.
    """
    at = restore_instant(world)
    point = recovery_points.choose(
        world,
        VAULT,
        cluster_arn(session_of(world).account, CLUSTER, HOME),
        HOME,
        before=datetime.fromisoformat(recall(world, BEGAN)),
    )
    notice.record(
        world, "restore to", f"{utc_text(at)}; the recovery point of {utc_text(point.created)} is kept besides"
    )


def wait_until_restorable(world: World) -> None:
    database_point_in_time.wait_until_restorable(world, kinds.CLUSTER, CLUSTER, restore_instant(world), HOME)


def restored_cluster(world: World) -> str:
    """Named by the second it is restored to, however often the plan is run or resumed."""
    return f"{PREFIX}-restored-{restore_instant(world):%Y%m%d-%H%M%S}"


def restore_cluster(world: World) -> None:
    """With instances like those of the source: a restored cluster has none, and nobody can connect to it."""
    database_point_in_time.restore_cluster(world, CLUSTER, restored_cluster(world), restore_instant(world), HOME)


def is_restored(world: World) -> bool:
    name = restored_cluster(world)
    return kinds.is_available(world, kinds.CLUSTER, name, HOME) and cluster_instances.is_served(world, name, HOME)


def carry_over_alarms(world: World) -> None:
    alarms.copy_alarms(world, CLUSTER, restored_cluster(world), HOME, dimension=alarms.OF_A_CLUSTER)


def validate(world: World) -> None:
    """Sound, and nothing missing that is older than the corruption and still in the corrupted cluster."""
    at = restore_instant(world)
    older = "select count(*) from habit where changed <= %s"
    with connect(world, database(), read_only=True) as connection:
        left = rows(connection, older, at)[0][0]
    soundness.demand(
        world, restored_cluster(world), HOME,
        Check("habits older than the corruption", older, Expectation(at_least=float(left)), (at,)),
    )  # fmt: skip


def repoint(world: World) -> None:
    parameter.repoint(world, parameter_of(HOME), endpoint_name(restored_cluster(world), HOME), region=HOME)


def is_repointed(world: World) -> bool:
    """Does the parameter name the cluster that this run restored?"""
    return recall(world, BEGAN) is not None and served_from(world, HOME) == restored_cluster(world)


def delete(world: World) -> None:
    replaced_cluster.delete_replaced(world, CLUSTER, restored_cluster(world), lambda: habits_are_sound(world), HOME)


def is_deleted(world: World) -> bool:
    return kinds.look(kinds.rds_of(world, HOME), kinds.CLUSTER, CLUSTER) is None


def habits_are_sound(world: World) -> Reading:
    """Are the records sound in whatever cluster the function is told to use?"""
    return soundness.look(world, served_from(world, HOME), HOME)


def loss_notice(world: World) -> str:
    return (
        f"Habits are as they were at {utc_text(restore_instant(world))}. What was entered later must be entered again."
    )
