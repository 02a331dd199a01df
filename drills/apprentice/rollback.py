"""Scenario 4: us-east-1 is back, and data and traffic go home from us-west-2.

Writes are stopped before the snapshot: what users write between snapshot and DNS, as the runbook lets them, would stay
behind. The cluster at home is a new one: the old one came back with the region and holds what was never copied, and RDS
restores nothing under the name of a cluster that is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.recovery import (
    alarms,
    backup_restore,
    cluster_instances,
    database_settings,
    database_snapshot,
    environment,
    notice,
    replaced_cluster,
    stacks,
)
from drillbook.aws.recovery import database_kinds as kinds
from drillbook.aws.session import session_of
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.sql import read_only
from drillbook.sql.replication import one_writer

from . import api, comparison, failover, outside, soundness, switch
from .checks import served_from
from .databases import database
from .names import (
    API_NAME,
    AWAY,
    CLUSTER,
    DR_CLUSTER,
    HOME,
    PREFIX,
    endpoint_name,
    function_of,
    name_of,
    stack_of,
    topic_arn,
)

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
HOME_CLUSTER, SNAPSHOT = f"{CLUSTER}-home", f"{PREFIX}-dr-to-primary"
WHY = "data came home"
FENCES = "fence the old database at home"
FREEZES = "stop writes in us-west-2"
COPIES = "copy the snapshot home"
COMPARES = "compare the records of both regions"
REDEPLOYS = "deploy at home"
LETS = "let writes in at home"
SHIFTS = "lead customers home"


def return_home(world: World) -> Plan:
    """Steps 1 to 6, with a fence, a freeze and a comparison that the runbook lacks."""
    return Plan(
        "return to us-east-1",
        (*_prepare(world), *_bring_data_home(world), *_bring_traffic_home(world), *_watch(world)),
    )


def tear_down(world: World) -> Plan:
    """Step 7, and the old cluster, of which a snapshot is kept: what it holds is nowhere else."""
    return Plan(
        "tear down the standby",
        (
            Step("see that customers are at home", lambda: None, Phase.VERIFY, budget=5 * MINUTE,
                 verify=lambda: is_served_from_home(world)),
            Step("delete the API in us-west-2", lambda: stacks.remove(world, stack_of(AWAY), region=AWAY),
                 budget=20 * MINUTE),
            Step("delete the database in us-west-2",
                 lambda: backup_restore.discard(world, "Aurora", DR_CLUSTER, AWAY), budget=30 * MINUTE),
            Step("delete the old database at home, and keep a snapshot", lambda: delete_old(world),
                 budget=60 * MINUTE),
            Step("see that the hourly backup takes the new database", lambda: TAKE_BACKUP, budget=15 * MINUTE,
                 manual=True),
            notice.record_step(world, "close the incident", "closed", f"{HOME} serves; {AWAY} is a pilot light again",
                               budget=5 * MINUTE),
        ),
    )  # fmt: skip


TAKE_BACKUP = (
    "A plan that selects by ARN does not know the new cluster: select by tag, and see a copy arrive in us-west-2."
)


def _prepare(world: World) -> tuple[Step, ...]:
    topic = topic_arn(session_of(world).account, AWAY)
    return (
        Step("see that us-east-1 is well", lambda: None, Phase.VERIFY, budget=15 * MINUTE,
             verify=lambda: outside.is_healthy(world, name_of(HOME))),
        notice.notice_step(world, "announce the return", topic, f"Returning to {HOME}",
                           "Habits cannot be changed for a while; they can be read.", budget=5 * MINUTE, region=AWAY),
        Step(FENCES, lambda: read_only.stop_writes(world, database(CLUSTER, HOME)), budget=5 * MINUTE,
             verify=lambda: read_only.is_read_only(world, database(CLUSTER, HOME))),
        Step("find what only home holds", lambda: comparison.note_what_only_home_holds(world), Phase.DECIDE,
             budget=15 * MINUTE),
    )  # fmt: skip


def _bring_data_home(world: World) -> tuple[Step, ...]:
    return (
        Step(FREEZES, lambda: read_only.stop_writes(world, database(DR_CLUSTER, AWAY)), budget=5 * MINUTE,
             verify=lambda: read_only.is_read_only(world, database(DR_CLUSTER, AWAY))),
        Step("take a snapshot", lambda: database_snapshot.take(world, kinds.CLUSTER, DR_CLUSTER, SNAPSHOT, AWAY),
             budget=10 * MINUTE),
        Step(COPIES, lambda: copy_home(world), budget=30 * MINUTE),
        Step("restore it at home", lambda: restore_at_home(world), budget=45 * MINUTE,
             verify=lambda: cluster_instances.is_served(world, HOME_CLUSTER, HOME)),
        Step(COMPARES, lambda: comparison.demand_the_same(world, HOME_CLUSTER), Phase.VERIFY, budget=10 * MINUTE),
    )  # fmt: skip


def _bring_traffic_home(world: World) -> tuple[Step, ...]:
    return (
        Step(REDEPLOYS, lambda: deploy(world), budget=20 * MINUTE, check=lambda: is_deployed(world),
             verify=lambda: outside.is_healthy(world, name_of(HOME))),
        Step(LETS, lambda: read_only.let_write(world, database(HOME_CLUSTER, HOME)), budget=5 * MINUTE,
             verify=lambda: not read_only.is_read_only(world, database(HOME_CLUSTER, HOME))),
        Step(SHIFTS, lambda: switch.take_back(world), budget=15 * MINUTE,
             verify=lambda: is_served_from_home(world)),
        Step("validate as a customer", lambda: None, Phase.VERIFY, budget=15 * MINUTE,
             verify=lambda: failover.validate(world)),
    )  # fmt: skip


def _watch(world: World) -> tuple[Step, ...]:
    topic = topic_arn(session_of(world).account, HOME)
    told = notice.notice_step(world, "tell that we are home", topic, f"Habits are served from {HOME} again",
                              "They can be changed again. Nothing that was entered meanwhile is lost.",
                              budget=5 * MINUTE, region=HOME)  # fmt: skip
    watched = Step("see for an hour that only home takes writes", lambda: None, Phase.VERIFY, budget=60 * MINUTE,
                   verify=lambda: only_home_takes_writes(world).ok is True)  # fmt: skip
    return replace(told, after=("validate as a customer",)), replace(watched, after=("validate as a customer",))


# -- the steps --------------------------------------------------------------------------------------------------------


def copy_home(world: World) -> None:
    """By its ARN and its region: a bare name, as in the runbook, is looked for at home and not found."""
    database_snapshot.copy_to(world, kinds.CLUSTER, SNAPSHOT, from_region=AWAY, to_region=HOME)


def restore_at_home(world: World) -> None:
    """Like the old cluster, in its settings, its instances and its alarms."""
    old = kinds.described(kinds.rds_of(world, HOME), kinds.CLUSTER, CLUSTER)
    shapes = cluster_instances.shapes_of(world, CLUSTER, HOME)
    parameters = database_settings.of_cluster(old)
    database_snapshot.restore_cluster(world, SNAPSHOT, HOME_CLUSTER, shapes, HOME, parameters=parameters)
    database_settings.carry_over(world, kinds.CLUSTER, old, HOME_CLUSTER, HOME)
    alarms.copy_alarms(world, CLUSTER, HOME_CLUSTER, HOME, dimension=alarms.OF_A_CLUSTER)


def deploy(world: World) -> None:
    """The stack with the new endpoint; then the function afresh, which had found its database at cold start."""
    stacks.deploy(world, stack_of(HOME), api.TEMPLATE, stack_parameters(world), region=HOME)
    environment.restart(world, function_of(HOME), why=WHY, region=HOME)


def is_deployed(world: World) -> bool:
    return stacks.is_deployed(
        world, stack_of(HOME), api.TEMPLATE, stack_parameters(world), region=HOME
    ) and environment.is_restarted(world, function_of(HOME), why=WHY, region=HOME)


def stack_parameters(world: World) -> dict[str, str]:
    return api.parameters(session_of(world).account, HOME, endpoint_name(HOME_CLUSTER, HOME))


def is_served_from_home(world: World) -> bool:
    return outside.served_from(world, API_NAME) == HOME


def delete_old(world: World) -> None:
    replaced_cluster.delete_replaced(
        world, CLUSTER, HOME_CLUSTER, lambda: soundness.look(world, HOME_CLUSTER, HOME), HOME
    )


# -- checks -----------------------------------------------------------------------------------------------------------


def only_home_takes_writes(world: World) -> Reading:
    """Split brain: does any other cluster than the one that home serves from take writes?"""
    clusters = {
        f"{HOME_CLUSTER} in {HOME}": database(HOME_CLUSTER, HOME),
        f"{CLUSTER} in {HOME}": database(CLUSTER, HOME),
        f"{DR_CLUSTER} in {AWAY}": database(DR_CLUSTER, AWAY),
    }
    writers = one_writer(world, clusters)
    if writers.ok and served_from(world, HOME) != HOME_CLUSTER:
        return Reading(False, f"the function at home still uses {served_from(world, HOME)}")
    return writers


def habits_came_home(world: World) -> Reading:
    """Sound, in the cluster that home serves from."""
    return soundness.look(world, served_from(world, HOME), HOME)
