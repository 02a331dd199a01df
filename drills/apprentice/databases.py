"""Aurora at home: a writer, and a reader in another zone that takes over; the secret that opens it, in both regions."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of
from drillbook.sql.database import Database, connect
from drillbook.waiting import wait_for

from . import seed
from .names import (
    AWAY,
    CLUSTER,
    DATABASE,
    ENGINE_VERSION,
    HOME,
    INSTANCE_CLASS,
    MASTER,
    SECRET,
    TAG_LIST,
    alarm_of,
    topic_arn,
)

if TYPE_CHECKING:
    from drillbook.aws.session import Session
    from drillbook.world import World

SCHEMA = Path(__file__).with_name("schema.sql")
WRITER, READER = f"{CLUSTER}-1", f"{CLUSTER}-2"
ZONES = {WRITER: f"{HOME}a", READER: f"{HOME}b"}
PATIENCE = 120.0


def database(cluster: str = CLUSTER, region: str = HOME) -> Database:
    """How one logs in to a cluster of the habit tracker; the secret is the one of its own region."""
    return Database(cluster=cluster, region=region, login=SECRET, name=DATABASE)


def stand_up(world: World) -> None:
    """The cluster with its records, among them the canary's session."""
    session = session_of(world)
    password = _secret(session)
    rds = session.client("rds", HOME)
    if CLUSTER not in [each["DBClusterIdentifier"] for each in rds.describe_db_clusters()["DBClusters"]]:
        _create(world, rds, password)
    with connect(world, database()) as connection:
        connection.execute(SCHEMA.read_bytes())
        for statement, values in seed.statements(world.fill("{canary_session}")):
            connection.execute(statement.encode(), values)


def _secret(session: Session) -> str:
    manager = session.client("secretsmanager", HOME)
    try:
        known: str = manager.get_secret_value(SecretId=SECRET)["SecretString"]
    except manager.exceptions.ResourceNotFoundException:
        known = json.dumps({"username": MASTER, "password": secrets.token_urlsafe(24), "dbname": DATABASE})
        manager.create_secret(Name=SECRET, SecretString=known, AddReplicaRegions=[{"Region": AWAY}], Tags=TAG_LIST)
    password: str = json.loads(known)["password"]
    return password


def _create(world: World, rds: Any, password: str) -> None:
    rds.create_db_cluster(
        DBClusterIdentifier=CLUSTER,
        Engine="aurora-postgresql",
        EngineVersion=ENGINE_VERSION,
        DatabaseName=DATABASE,
        MasterUsername=MASTER,
        MasterUserPassword=password,
        BackupRetentionPeriod=7,
        Tags=TAG_LIST,
    )
    for name, zone in ZONES.items():
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=CLUSTER,
            DBInstanceClass=INSTANCE_CLASS,
            Engine="aurora-postgresql",
            AvailabilityZone=zone,
            Tags=TAG_LIST,
        )
    for name in ZONES:
        _wait_until_available(world, rds, name)
    _alarm(session_of(world))


def _alarm(session: Session) -> None:
    """Nobody is connected to the writer: the functions cannot reach it, or it is gone."""
    session.client("cloudwatch", HOME).put_metric_alarm(
        AlarmName=alarm_of(HOME, "aurora-connections"),
        Namespace="AWS/RDS",
        MetricName="DatabaseConnections",
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": CLUSTER}, {"Name": "Role", "Value": "WRITER"}],
        Statistic="Minimum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
        AlarmActions=[topic_arn(session.account, HOME)],
        Tags=TAG_LIST,
    )


def _wait_until_available(world: World, rds: Any, instance: str) -> None:
    def status() -> str:
        found = rds.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0]["DBInstanceStatus"]
        return str(found)

    wait_for(f"{instance} being available", status, until=lambda it: it == "available", timeout=PATIENCE,
             interval=0.05, clock=world.clock)  # fmt: skip
