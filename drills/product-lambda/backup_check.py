"""The weekly backup check: a backup that nobody has restored is a hope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import backup_restore, backup_targets, recovery_points
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import acting, session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.waiting import wait_for

from .contents import faults_in, products_in
from .customers import recorded, told
from .names import TABLE, VAULT, role_arn, table_arn
from .rebuild import CHOSEN, PROMISED, chosen_point

if TYPE_CHECKING:
    from drillbook.world import World

COMPARED = "test restore compared"


def check_backups(world: World) -> Plan:
    """The runbook's weekly commands, with a restore that is looked at and removed."""
    table = trial_table(world)
    return Plan(
        "check the backups",
        (
            Step("see that every second can be restored", lambda: see_that_recovery_is_on(world), budget=60),
            Step("see that the newest snapshot is recent", lambda: choose_recent(world), budget=60,
                 check=lambda: recall(world, CHOSEN) is not None),
            Step("restore it to a trial table", lambda: restore_trial(world, table), budget=1800,
                 check=lambda: is_compared(world)),
            Step("compare it with the products", lambda: compare(world, table), Phase.VERIFY, budget=300,
                 check=lambda: is_compared(world)),
            Step("remove the trial table", lambda: remove_trial(world, table), budget=300),
            recorded(world, lambda: outcome(world)),
            told(world, "the weekly backup check", lambda: outcome(world)),
        ),
    )  # fmt: skip


def trial_table(world: World) -> str:
    return f"{TABLE}-test-restore-{re.sub(r'[^A-Za-z0-9_.-]', '-', world.run_id)}"[:255]


def see_that_recovery_is_on(world: World) -> None:
    """Raises PermanentError if point-in-time recovery of the table is off."""
    with acting("recovery"), calling(f"read the recovery window of {TABLE}"):
        dynamodb = session_of(world).client("dynamodb")
        found = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    status = found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if status != "ENABLED":
        raise PermanentError(f"point-in-time recovery of {TABLE} is {status}", do="turn it on; its window begins then")


def choose_recent(world: World) -> None:
    """The newest snapshot. Raises PermanentError if it is older than the RPO: then the hourly plan has stopped."""
    point = recovery_points.choose(world, VAULT, table_arn(session_of(world)), max_age=PROMISED)
    remember(world, CHOSEN, {"arn": point.arn, "created": utc_text(point.created)})


def restore_trial(world: World, table: str) -> None:
    backup_restore.restore(world, chosen_point(world), table, role=role_arn(session_of(world)))


def compare(world: World, table: str) -> None:
    """Every product that the trial table holds is as it is served; none is missing that was there before the snapshot.

    Raises PermanentError with what differs.
    """
    restored = {item["id"]["S"]: item for item in products_in(world, table)}
    served = {item["id"]["S"]: item for item in products_in(world, TABLE)}
    wrong = faults_in(restored.values())
    changed = sorted(key for key in restored.keys() & served.keys() if restored[key] != served[key])
    if wrong or changed:
        told = wrong or f"{len(changed)} products differ ({', '.join(changed[:3])})"
        raise PermanentError(f"the restored snapshot is not what is served: {told}", do="see what the snapshots hold")
    remember(world, COMPARED, {"restored": len(restored), "served": len(served)})


def is_compared(world: World) -> bool:
    return recall(world, COMPARED) is not None


def remove_trial(world: World, table: str) -> None:
    trial = backup_targets.target(world, "DynamoDB", table, None)
    with acting("recovery"):
        wait_for(
            f"deleting {table}",
            trial.delete,
            timeout=3600,
            interval=2.0 / world.speed,
            clock=world.clock,
            do="delete it by hand: it costs money",
        )


def snapshots_were_compared(world: World) -> Reading:
    """Was a restored snapshot compared with what is served, and removed again?"""
    seen = recall(world, COMPARED)
    left = backup_targets.target(world, "DynamoDB", trial_table(world), None).exists()
    if seen is None or left:
        return Reading(False, "nothing was compared" if seen is None else "the trial table is still there")
    return Reading(True, f"{seen['restored']} products restored, {seen['served']} served, none differs", seen)


def outcome(world: World) -> str:
    seen = recall(world, COMPARED)
    when = recall(world, CHOSEN)["created"]
    return f"The snapshot of {when} was restored: {seen['restored']} products, as they are served."
