"""The dispatch ledger: an Aurora PostgreSQL global database, its writer in one region and a replica in the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of
from drillbook.sql.database import Database, connect
from drillbook.waiting import wait_for

from . import seed
from .names import CLUSTERS, DATABASE, DR, GLOBAL_DATABASE, PRIMARY, SECRET, TAG_LIST

if TYPE_CHECKING:
    import psycopg

    from drillbook.world import World

USER = "roadcall"
CLASS = "db.r6g.large"
TABLE = """create table if not exists dispatches (
    incident_id text primary key, revision int not null, note text not null, status text not null default 'open',
    vendor_id text, fee_cents int not null check (fee_cents >= 0), changed_at timestamptz not null default now())"""
ROW = "insert into dispatches values (%s, 1, %s, 'open', %s, %s) on conflict do nothing"


def database(region: str) -> Database:
    """The ledger of one region, whether it writes or follows.

    One that follows has a reader endpoint alone. With a single instance that endpoint is the writer's, too.
    """
    return Database(cluster=CLUSTERS[region], reader=True, region=region, login=SECRET, name=DATABASE)


def begin(world: World) -> None:
    """Have the primary cluster made while other things are."""
    session = session_of(world)
    session.client("rds", PRIMARY).create_db_cluster(
        DBClusterIdentifier=CLUSTERS[PRIMARY],
        Engine="aurora-postgresql",
        MasterUsername=USER,
        MasterUserPassword=_secret(session.client("secretsmanager", PRIMARY)),
        DatabaseName=DATABASE,
        BackupRetentionPeriod=7,
        Tags=TAG_LIST,
    )


def finish(world: World) -> None:
    """The instances, the replica in the other region, the table and its rows."""
    rds = session_of(world).client("rds", PRIMARY)
    _instance(world, PRIMARY)
    with connect(world, database(PRIMARY)) as ledger:
        _fill(ledger)
    arn = rds.describe_db_clusters(DBClusterIdentifier=CLUSTERS[PRIMARY])["DBClusters"][0]["DBClusterArn"]
    rds.create_global_cluster(GlobalClusterIdentifier=GLOBAL_DATABASE, SourceDBClusterIdentifier=arn)
    session_of(world).client("rds", DR).create_db_cluster(
        DBClusterIdentifier=CLUSTERS[DR],
        Engine="aurora-postgresql",
        GlobalClusterIdentifier=GLOBAL_DATABASE,
        BackupRetentionPeriod=7,
        Tags=TAG_LIST,
    )
    _instance(world, DR)


def _secret(secrets: Any) -> str:
    """A new password, kept as a secret that both regions have."""
    password: str = secrets.get_random_password(PasswordLength=24, ExcludePunctuation=True)["RandomPassword"]
    kept = json.dumps({"username": USER, "password": password, "dbname": DATABASE})
    secrets.create_secret(Name=SECRET, SecretString=kept, AddReplicaRegions=[{"Region": DR}], Tags=TAG_LIST)
    return password


def _instance(world: World, region: str) -> None:
    """The cluster's instance, when cluster and instance are available."""
    rds, cluster = session_of(world).client("rds", region), CLUSTERS[region]
    _available(world, cluster, lambda: rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]["Status"])
    name = f"{cluster}-1"
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=cluster,
        Engine="aurora-postgresql",
        DBInstanceClass=CLASS,
        Tags=TAG_LIST,
    )
    _available(
        world, name, lambda: rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"]
    )


def _available(world: World, what: str, status: Any) -> None:
    wait_for(what, lambda: status() == "available", timeout=120, interval=0.05, clock=world.clock)


def _fill(ledger: psycopg.Connection[Any]) -> None:
    ledger.execute(TABLE.encode())
    for one in seed.incidents():
        ledger.execute(ROW.encode(), (one["id"], one["note"], one["vendor"], seed.FEE_CENTS))
