"""May and must the primary region be left? Looked at from outside and from the region that would take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import OperationError, PermanentError, TargetError, TemporaryError

from . import customers
from .names import CLUSTERS, DR, GLOBAL_DATABASE, PRIMARY, TABLES

if TYPE_CHECKING:
    from drillbook.world import World

DECISION = "decision to leave us-east-1"


def assess(world: World) -> None:
    """Decide to fail over, and remember when. Raises PermanentError if that is not needed, or cannot work."""
    _demand_that_the_primary_is_lost(world)
    _demand_that_the_other_region_can_take_over(world)
    remember(world, DECISION, {"at": utc_text(world.clock.now())})


def is_decided(world: World) -> bool:
    return recall(world, DECISION) is not None


def declaration(world: World) -> str:
    return f"{PRIMARY} does not answer; decided at {recall(world, DECISION)['at']} to fail over to {DR}"


def _demand_that_the_primary_is_lost(world: World) -> None:
    try:
        customers.health(world, PRIMARY)
    except TemporaryError:
        return
    raise PermanentError(f"{PRIMARY} answers well", do="do not fail over; find out why customers do not reach it")


def _demand_that_the_other_region_can_take_over(world: World) -> None:
    """The runbook only asks whether EC2 answers there, which says nothing about the data."""
    try:
        look_at_the_replica(world)
        _look_at_the_tables(world)
    except (TemporaryError, TargetError) as error:
        raise PermanentError(
            f"{DR} cannot take over: {error.what}", do="both regions are lost: restore from backups elsewhere, or wait"
        ) from error


def look_at_the_replica(world: World) -> None:
    """Raises PermanentError unless the ledger has a replica in the other region that could take over."""
    rds = session_of(world).client("rds", DR)
    try:
        with calling(f"find the replica {CLUSTERS[DR]}"):
            cluster = rds.describe_db_clusters(DBClusterIdentifier=CLUSTERS[DR])["DBClusters"][0]
            whole = rds.describe_global_clusters(GlobalClusterIdentifier=GLOBAL_DATABASE)["GlobalClusters"][0]
    except PermanentError as error:
        raise _no_replica(str(error.what)) from error
    members = [one["DBClusterArn"] for one in whole["GlobalClusterMembers"]]
    if cluster["DBClusterArn"] not in members or not cluster["DBClusterMembers"]:
        raise _no_replica(f"{CLUSTERS[DR]} follows nobody, or has no instance")


def _look_at_the_tables(world: World) -> None:
    dynamodb = session_of(world).client("dynamodb", DR)
    for name in TABLES.values():
        with calling(f"find the replica of {name} in {DR}"):
            dynamodb.describe_table(TableName=name)


def _no_replica(what: str) -> OperationError:
    return PermanentError(
        f"the ledger has no replica in {DR}: {what}",
        do="restore the cluster there from its newest recovery point, and run the plan again",
    )
