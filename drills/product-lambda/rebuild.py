"""Scenario 5: everything is gone but packages, templates and snapshots.

The table comes first, to its own name, and the application last: the template has no table, so nothing is in the way of
the restore, and no customer is let in before the contents have been looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import backup_restore, records, recovery_points, stacks, table_replicas
from drillbook.aws.recovery.carry_over import RUN_TAG
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.recovery.records import Alias
from drillbook.aws.recovery.recovery_points import RecoveryPoint
from drillbook.aws.session import acting, session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.recovery import Phase, Plan, Step

from .contents import faults_in, products_in
from .customers import declared, products_are_served, recorded, told
from .dns import targets, zone_of
from .failover import deploy_application, is_deployed
from .names import (
    FRONT,
    NAMES_STACK,
    NAMES_TEMPLATE,
    TABLE,
    TAG_LIST,
    VAULT,
    own_name,
    primary,
    role_arn,
    standby,
    table_arn,
)  # fmt: skip
from .tables import STREAM, await_active, protect

if TYPE_CHECKING:
    from drillbook.world import World

CHOSEN = "snapshot to restore"
PROMISED = 3600.0
"""AWS seconds: the RPO. Snapshots are taken each hour."""


def rebuild(world: World) -> Plan:
    """Scenario 5, within the runbook's 60 minutes: the table and the names are made at the same time."""
    here, chosen = primary(world), ("choose the snapshot",)
    return Plan(
        "rebuild everything",
        (
            declared(world, "everything that the catalogue has is gone; it is built anew"),
            Step("choose the snapshot", lambda: choose(world), Phase.DECIDE, budget=120,
                 check=lambda: recall(world, CHOSEN) is not None),
            Step("restore the table", lambda: restore_table(world), budget=1500, after=chosen,
                 check=lambda: bool(recall(world, f"{TABLE} restored"))),
            Step("give the table its settings", lambda: give_settings(world), budget=120),
            Step("verify contents", lambda: verify_contents(world), Phase.VERIFY, budget=120),
            Step("make the names again", lambda: make_names(world), budget=180, after=chosen,
                 check=lambda: names_are_made(world)),
            Step("lead the customers' name there", lambda: lead(world, FRONT, "FrontTarget", here), budget=150,
                 check=leads(world, FRONT, "FrontTarget", here), after=("make the names again",)),
            Step("lead the region's name there", lambda: lead(world, own_name(world, here), "OwnTarget"), budget=150,
                 check=leads(world, own_name(world, here), "OwnTarget"), after=("make the names again",)),
            Step("deploy the application", lambda: deploy_application(world, here), budget=600,
                 check=lambda: is_deployed(world, here), verify=lambda: is_deployed(world, here),
                 after=("verify contents", "lead the customers' name there", "lead the region's name there")),
            Step("check through the API", lambda: None, Phase.VERIFY, budget=30,
                 verify=lambda: products_are_served(world)),
            Step("replicate again", lambda: table_replicas.add_replica(world, TABLE, standby(world)), budget=420,
                 check=lambda: standby(world) in table_replicas.replicas(world, TABLE)),
            recorded(world, lambda: loss_notice(world)),
            told(world, "the catalogue is rebuilt", lambda: loss_notice(world)),
        ),
    )  # fmt: skip


def choose(world: World) -> None:
    """The newest snapshot, which must be as young as the RPO promises. Raises PermanentError if there is none."""
    point = recovery_points.choose(world, VAULT, table_arn(session_of(world)), max_age=PROMISED)
    remember(world, CHOSEN, {"arn": point.arn, "created": utc_text(point.created)})


def chosen_point(world: World) -> RecoveryPoint:
    """The snapshot that this run decided for. Raises PermanentError if it is gone meanwhile."""
    arn = recall(world, CHOSEN)["arn"]
    for point in recovery_points.points(world, VAULT, table_arn(session_of(world))):
        if point.arn == arn:
            return point
    raise PermanentError(f"the snapshot {arn} is gone", do="run the rebuild anew, so that it chooses another one")


def restore_table(world: World) -> None:
    backup_restore.restore(world, chosen_point(world), TABLE, role=role_arn(session_of(world)))
    remember(world, f"{TABLE} restored", value=True)


def give_settings(world: World) -> None:
    """What a restore drops, from the same code that made the lost table. Deleting the table takes it along."""
    session = session_of(world)
    dynamodb = session.client("dynamodb")
    with acting("recovery"), calling(f"give {TABLE} its settings"):
        if not dynamodb.describe_table(TableName=TABLE)["Table"].get("StreamSpecification"):
            dynamodb.update_table(TableName=TABLE, StreamSpecification=STREAM)
            await_active(world, TABLE)
        tags = [*TAG_LIST, {"Key": RUN_TAG, "Value": world.run_id}]
        dynamodb.tag_resource(ResourceArn=table_arn(session), Tags=tags)
        protect(session)


def verify_contents(world: World) -> None:
    """Raises PermanentError unless the restored table holds every product, sound."""
    if wrong := faults_in(products_in(world, TABLE)):
        raise PermanentError(
            f"{TABLE}, restored from the snapshot of {recall(world, CHOSEN)['created']}, is not sound: {wrong}",
            do="restore an older snapshot; let no customer in",
        )


def make_names(world: World) -> None:
    stacks.deploy(world, NAMES_STACK, NAMES_TEMPLATE, {"OwnName": own_name(world, primary(world))})


def names_are_made(world: World) -> bool:
    return stacks.is_deployed(world, NAMES_STACK, NAMES_TEMPLATE, {"OwnName": own_name(world, primary(world))})


def lead(world: World, name: str, target: str, which: str = "") -> None:
    """A custom domain name that is made again has another host behind it: the record must follow."""
    records.point(world, zone_of(session_of(world)), name, "A", host(world, target), set_identifier=which)


def leads(world: World, name: str, target: str, which: str = "") -> Callable[[], bool]:
    return lambda: records.leads_to(
        world, zone_of(session_of(world)), name, "A", host(world, target), set_identifier=which
    )


def host(world: World, target: str) -> Alias:
    found = targets(session_of(world), primary(world))
    return Alias(found["HostedZone"], found[target], evaluate=False)


def loss_notice(world: World) -> str:
    since = recall(world, CHOSEN)["created"]
    return f"The catalogue is as it was at {since}. What was written after that is lost and must be entered again."
