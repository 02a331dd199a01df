"""Is a region's copy of the service up to its task?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import promote_cluster
from drillbook.aws.session import session_of
from drillbook.errors import TemporaryError
from drillbook.sql.database import connect, rows

from . import customers, seed
from .aurora import database
from .names import API_NAME, CLUSTERS, FUNCTIONS, GLOBAL_DATABASE, TABLES

if TYPE_CHECKING:
    from drillbook.world import World


def takes_writes(world: World, region: str) -> bool:
    """Does the ledger's cluster in the region let clients write? One that cannot be reached does not."""
    try:
        with connect(world, database(region), timeout=2) as ledger:
            return not rows(ledger, "select pg_is_in_recovery()")[0][0]
    except TemporaryError:
        return False


def is_available(world: World, region: str) -> bool:
    """Is the ledger's cluster in the region available, with all its instances?"""
    rds = session_of(world).client("rds", region)
    with calling(f"look at {CLUSTERS[region]}"):
        cluster = rds.describe_db_clusters(DBClusterIdentifier=CLUSTERS[region])["DBClusters"][0]
        members = [one["DBInstanceIdentifier"] for one in cluster["DBClusterMembers"]]
        states = [
            rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"]
            for name in members
        ]
    return bool(members) and {cluster["Status"], *states} == {"available"}


def follows(world: World, region: str) -> bool:
    """Does the ledger's cluster there read what the other one writes? Both sides must say so."""
    if promote_cluster.role(world, GLOBAL_DATABASE, CLUSTERS[region], region) != "reader":
        return False
    if not is_available(world, region):
        return False
    with connect(world, database(region), timeout=2) as ledger:
        return bool(rows(ledger, "select pg_is_in_recovery()")[0][0])


def is_deployed(world: World, region: str) -> bool:
    """Is every function of the service there?"""
    with calling(f"list the functions in {region}"):
        pages = session_of(world).client("lambda", region).get_paginator("list_functions").paginate()
        return set(FUNCTIONS) <= {each["FunctionName"] for page in pages for each in page["Functions"]}


def serves(world: World, region: str) -> bool:
    """Do functions, tables and ledger work together there? Raises TemporaryError with what does not."""
    if not is_deployed(world, region):
        raise TemporaryError(f"{region} lacks functions of the service", do="see the events of the stack")
    with calling(f"read {TABLES['users']} in {region}"):
        session_of(world).client("dynamodb", region).scan(TableName=TABLES["users"], Limit=1)
    if not customers.health(world, region)["database"]:
        raise TemporaryError(f"the ledger in {region} takes no writes", do="see whether its promotion has ended")
    return customers.answers(world, f"/incidents/{seed.incidents()[0]['id']}", region)


def runs_well(world: World, region: str) -> bool:
    """Do requests reach the API there, and is none of the last minute answered with a server error?

    API Gateway's metrics have a minute's resolution: one that began before the service was well may show its errors.
    """
    now, minute = world.clock.now(), timedelta(seconds=60 / world.speed)
    cloudwatch = session_of(world).client("cloudwatch", region)

    def total(metric: str) -> float:
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/ApiGateway",
            MetricName=metric,
            Dimensions=[{"Name": "ApiName", "Value": API_NAME}],
            StartTime=now - minute,
            EndTime=now + minute,
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))

    with calling(f"read the metrics of the API in {region}"):
        return total("Count") > 0 and total("5XXError") == 0
