"""What is done in each step of the failover. Everything is described first, so that a step can be run again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from drillbook import service_actions
from drillbook.aws.recovery import backup_restore, buckets, cluster_instances, notice, recovery_points, stacks
from drillbook.aws.recovery.database_kinds import CLUSTER as AS_CLUSTER
from drillbook.aws.recovery.database_kinds import look, rds_of
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.recovery.recovery_points import RecoveryPoint
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError, TemporaryError
from drillbook.events import Json
from drillbook.waiting import wait_for

from . import api, outside, switch
from .decision import Decision, decide
from .names import (
    API_NAME,
    AWAY,
    BACKUP_ROLE,
    CLUSTER,
    DR_CLUSTER,
    HOME,
    INSTANCE_CLASS,
    SITE_BUILD,
    SITE_NAME,
    VAULT,
    artifacts_of,
    cluster_arn,
    endpoint_name,
    name_of,
    site_of,
    stack_of,
)

if TYPE_CHECKING:
    from drillbook.world import World

SEEN, POINT, DECLARED = "outage seen", "recovery point", "declared"
CUSTOMER = "a customer can work"
ENGINE = {"Engine": "aurora-postgresql"}
PATIENCE, LEAST_PATIENCE = 600.0, 30.0
"""AWS seconds for DNS and a cold start to come about; and seconds at least, since both are real here."""


# -- assess and decide ------------------------------------------------------------------------------------------------


def assess(world: World) -> None:
    """Two services of the region, asked from outside, must both be silent: one alone may be a fault of its own.

    Raises PermanentError if the region answers, or the standby region does not: then nothing can be failed over.
    """
    seen = utc_text(world.clock.now())
    answering = [name for name in (name_of(HOME), _bucket_name(HOME)) if outside.answers(world, name)]
    if answering:
        raise PermanentError(f"{HOME} is not down: {', '.join(answering)} answers", do="look for what else is broken")
    if not outside.answers(world, _bucket_name(AWAY)):
        raise PermanentError(f"{AWAY} is down, too", do="tell stakeholders, and wait for the first region to return")
    remember(world, SEEN, seen)


def _bucket_name(region: str) -> str:
    return f"{site_of(region)}.s3.{region}.amazonaws.com"


def is_assessed(world: World) -> bool:
    return recall(world, SEEN) is not None


def outage_seen(world: World) -> datetime:
    """When the outage was first seen (UTC). Raises PermanentError before the assessment."""
    return datetime.fromisoformat(_decided(world, SEEN, "nobody has assessed the outage"))


def declare(world: World, *, critical_impact: bool) -> None:
    """The runbook's decision tree. Raises TemporaryError while it says to wait or to prepare."""
    outage = (world.clock.now() - outage_seen(world)).total_seconds() * world.speed
    decision = decide(outage, critical_impact=critical_impact)
    if decision is not Decision.EXECUTE:
        raise TemporaryError(f"an outage of {outage / 60:.0f} min: {decision}", do="declare a critical impact, or wait")
    why = "its impact is critical" if critical_impact else f"it has lasted {outage / 60:.0f} min"
    notice.record(world, DECLARED, f"{HOME} is lost and {why}: failing over to {AWAY}")


def is_declared(world: World) -> bool:
    return DECLARED in [each["entry"] for each in notice.incident(world)]


# -- the database -----------------------------------------------------------------------------------------------------


def choose_copy(world: World) -> None:
    """The newest copy in the standby region's vault, however old: what it costs is for the RPO to say.

    Raises PermanentError if none was ever copied.
    """
    cluster = cluster_arn(session_of(world).account, CLUSTER, HOME)
    point = recovery_points.choose(world, VAULT, cluster, AWAY)
    remember(world, POINT, {"arn": point.arn, "created": utc_text(point.created)})


def is_chosen(world: World) -> bool:
    return recall(world, POINT) is not None


def chosen_copy(world: World) -> RecoveryPoint:
    arn = _decided(world, POINT, "nobody has chosen a recovery point")["arn"]
    cluster = cluster_arn(session_of(world).account, CLUSTER, HOME)
    return next(point for point in recovery_points.points(world, VAULT, cluster, AWAY) if point.arn == arn)


def restore_cluster(world: World) -> None:
    """The storage alone: AWS Backup creates no instance, and the runbook's restore can serve nobody."""
    role = api.role_arn(session_of(world).account, BACKUP_ROLE)
    backup_restore.restore(world, chosen_copy(world), DR_CLUSTER, role=role, overrides=ENGINE)


def is_restored(world: World) -> bool:
    found = look(rds_of(world, AWAY), AS_CLUSTER, DR_CLUSTER)
    return found is not None and found["Status"] == "available"


def create_writer(world: World) -> None:
    cluster_instances.add(world, DR_CLUSTER, [cluster_instances.shape(INSTANCE_CLASS)], AWAY)


def has_writer(world: World) -> bool:
    return cluster_instances.is_served(world, DR_CLUSTER, AWAY)


# -- everything else --------------------------------------------------------------------------------------------------


def deploy_api(world: World) -> None:
    """The stack, and the proof that it works before any customer is sent there."""
    stacks.deploy(world, stack_of(AWAY), api.TEMPLATE, stack_parameters(world), region=AWAY)
    _wait(world, f"a healthy API in {AWAY}", lambda: outside.health(world, name_of(AWAY)), outside.HEALTHY)


def is_deployed(world: World) -> bool:
    return stacks.is_deployed(world, stack_of(AWAY), api.TEMPLATE, stack_parameters(world), region=AWAY)


def stack_parameters(world: World) -> dict[str, str]:
    return api.parameters(session_of(world).account, AWAY, endpoint_name(DR_CLUSTER, AWAY))


def sync_site(world: World) -> None:
    """From the build that is kept in the standby region: the bucket at home cannot be read."""
    buckets.sync(world, artifacts_of(AWAY), site_of(AWAY), prefix=SITE_BUILD, source_region=AWAY, region=AWAY)


def is_site_synced(world: World) -> bool:
    return not buckets.differing(
        world, artifacts_of(AWAY), site_of(AWAY), prefix=SITE_BUILD, source_region=AWAY, region=AWAY
    )


def site_is_served(world: World) -> bool:
    """CloudFront goes to the other bucket by itself, since both are in its origin group."""
    return outside.get(world, SITE_NAME, "/app.js").status == 200


def shift_traffic(world: World) -> None:
    """Throw the switch, and wait until customers are led to the standby."""
    switch.throw(world)
    _wait(world, f"{API_NAME} leading to {AWAY}", lambda: outside.served_from(world, API_NAME), AWAY)


def is_shifted(world: World) -> bool:
    return outside.served_from(world, API_NAME) == AWAY


def validate(world: World) -> bool:
    """Register, log in, write and read, as a new customer. Raises TemporaryError with what went wrong."""
    seen = service_actions.build_probe(world, CUSTOMER).read()
    if not seen.ok:
        raise TemporaryError(f"a new customer cannot work: {seen.value}", do="look at the logs of the standby's API")
    return True


def _wait(world: World, what: str, look: Callable[[], str], wanted: str) -> None:
    timeout = max(LEAST_PATIENCE, PATIENCE / world.speed)
    wait_for(what, look, until=lambda seen: seen == wanted, timeout=timeout, interval=0.1, clock=world.clock)


def _decided(world: World, key: str, otherwise: str) -> Json:
    if (known := recall(world, key)) is None:
        raise PermanentError(otherwise, do="run the plan from its first step")
    return known
