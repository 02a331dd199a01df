"""Truth probes of databases: PostgreSQL behind RDS and Aurora, whose content SQL alone can tell.

They need psycopg (the extra ``postgres``); without it nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from drillbook.targets.truth import Clients, TruthProbe, Untrue
from drillbook.targets.truth_probing import clock, elsewhere, equals, expect, name_of, until

_USER, _PASSWORD, _DATABASE = "probe", "probe-password", "probe"
_SETTINGS = {"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20}
_OWNER = {"MasterUsername": _USER, "MasterUserPassword": _PASSWORD}
_LAG = 300.0
"""AWS seconds that LatestRestorableTime is behind, at most."""
_START = 60.0


def _pitr(session: Clients) -> None:
    rds = session.client("rds")
    with ExitStack() as removal:
        source = _create(rds, removal, "rds.pitr", BackupRetentionPeriod=1)
        _sql(source, "create table t (v text)", "insert into t values ('before')")
        clock.sleep(max(0.05, 1.1 / session.speed))
        instant = clock.now()
        clock.sleep(max(0.05, 1.1 / session.speed))
        _sql(source, "update t set v = 'after'")
        name = source["DBInstanceIdentifier"]
        limit = 10 + 1.5 * _LAG / session.speed
        until(
            "LatestRestorableTime",
            lambda: _described(rds, name).get("LatestRestorableTime"),
            lambda seen: seen and seen >= instant,
            timeout=limit,
        )
        restored = name_of("rds.pitr")
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=restored, RestoreTime=instant
        )
        _delete_later(rds, removal, restored)
        found = _sql(_available(rds, restored), "select v from t")
        expect(f"a restore as of {instant.isoformat()}", found, [("before",)])


def _promotion(session: Clients) -> None:
    there = elsewhere(session)
    here, far = session.client("rds"), session.client("rds", there)
    with ExitStack() as removal:
        source = _create(here, removal, "rds.replica_promotion", BackupRetentionPeriod=1)
        _sql(source, "create table t (v text)", "insert into t values ('replicated')")
        name = name_of("rds.replica_promotion")
        far.create_db_instance_read_replica(
            DBInstanceIdentifier=name,
            SourceDBInstanceIdentifier=source["DBInstanceArn"],
            SourceRegion=session.region,
        )
        _delete_later(far, removal, name)
        replica = _available(far, name)
        until("the replica's rows", lambda: _quietly(replica, "select v from t"), equals([("replicated",)]))
        far.promote_read_replica(DBInstanceIdentifier=name)
        until(
            "a promoted replica that takes writes",
            lambda: _quietly(_described(far, name), "insert into t values ('own')", "select count(*) from t"),
            equals([(2,)]),
        )
        expect("the source of the promoted", _described(far, name).get("ReadReplicaSourceDBInstanceIdentifier"), None)


def _multi_az(session: Clients) -> None:
    rds = session.client("rds")
    with ExitStack() as removal:
        made = _create(rds, removal, "rds.multi_az", MultiAZ=True)
        _sql(made, "create table t (v text)", "insert into t values ('kept')")
        rds.reboot_db_instance(DBInstanceIdentifier=made["DBInstanceIdentifier"], ForceFailover=True)
        until(
            "the zone after a failover",
            lambda: _described(rds, made["DBInstanceIdentifier"])["AvailabilityZone"],
            lambda zone: zone != made["AvailabilityZone"],
        )
        after = _available(rds, made["DBInstanceIdentifier"])
        until("the rows after a failover", lambda: _quietly(after, "select v from t"), equals([("kept",)]))


def _aurora_failover(session: Clients) -> None:
    rds = session.client("rds")
    with ExitStack() as removal:
        name = _cluster(rds, removal, "aurora.failover", "a", "b")
        _sql(_writer(rds, name), "create table t (v text)", "insert into t values ('kept')")
        rds.failover_db_cluster(DBClusterIdentifier=name)
        until("the writer after a failover", lambda: _writing(rds, name), lambda seen: seen == f"{name}-b")
        until("the rows after a failover", lambda: _quietly(_writer(rds, name), "select v from t"), equals([("kept",)]))


def _cluster(rds: Any, removal: ExitStack, capability: str, *zones: str) -> str:
    name = name_of(capability)
    rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", DatabaseName=_DATABASE, **_OWNER)
    removal.callback(rds.delete_db_cluster, DBClusterIdentifier=name, SkipFinalSnapshot=True)
    for zone in zones:
        member = f"{name}-{zone}"
        rds.create_db_instance(
            DBInstanceIdentifier=member,
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
        )
        removal.callback(_delete, rds, member)
        _available(rds, member)
    return name


def _writing(rds: Any, cluster: str) -> str | None:
    members = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]["DBClusterMembers"]
    return next((each["DBInstanceIdentifier"] for each in members if each["IsClusterWriter"]), None)


def _writer(rds: Any, cluster: str) -> dict[str, Any]:
    found = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
    return {"Endpoint": {"Address": found["Endpoint"], "Port": found["Port"]}}


def _create(rds: Any, removal: ExitStack, capability: str, **more: Any) -> dict[str, Any]:
    name = name_of(capability)
    rds.create_db_instance(DBInstanceIdentifier=name, DBName=_DATABASE, **_SETTINGS, **_OWNER, **more)
    _delete_later(rds, removal, name)
    return _available(rds, name)


def _delete_later(rds: Any, removal: ExitStack, name: str) -> None:
    removal.callback(_delete, rds, name)


def _delete(rds: Any, name: str) -> None:
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def _available(rds: Any, name: str) -> dict[str, Any]:
    return until(
        f"{name} being available",
        lambda: _described(rds, name),
        lambda seen: seen["DBInstanceStatus"] == "available",
        timeout=_START,
    )


def _described(rds: Any, name: str) -> dict[str, Any]:
    return dict(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])


def _sql(database: dict[str, Any], *statements: str) -> list[tuple[Any, ...]]:
    """Run them, each on its own; the rows of the last. Raises Untrue if no such database is at the endpoint."""
    psycopg = _driver()
    try:
        with _connected(database) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    except psycopg.Error as error:
        where = f"{database['Endpoint']['Address']}:{database['Endpoint']['Port']}"
        raise Untrue(f"the database at {where}: {' '.join(str(error).split())}") from error


def _quietly(database: dict[str, Any], *statements: str) -> list[tuple[Any, ...]] | None:
    try:
        return _sql(database, *statements)
    except Untrue:
        return None


@contextmanager
def _connected(database: dict[str, Any]) -> Iterator[Any]:
    endpoint = database["Endpoint"]
    with _driver().connect(
        host=endpoint["Address"], port=endpoint["Port"], user=_USER, password=_PASSWORD, dbname=_DATABASE,
        connect_timeout=5, autocommit=True,
    ) as connection:  # fmt: skip
        yield connection


def _driver() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise Untrue("no database can be asked without psycopg: pip install 'drillbook[postgres]'") from error
    return psycopg


_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest"
PROBES = {
    probe.capability: probe
    for probe in (
        TruthProbe("rds.pitr", f"an instance is restored as of an instant ({_RDS}/UserGuide/USER_PIT.html)", _pitr),
        TruthProbe(
            "rds.replica_promotion",
            "a replica in another region has the rows, and takes writes once promoted"
            f" ({_RDS}/UserGuide/USER_ReadRepl.XRgn.html)",
            _promotion,
        ),
        TruthProbe(
            "rds.multi_az",
            f"a failover changes the zone and loses no row ({_RDS}/UserGuide/Concepts.MultiAZSingleStandby.html)",
            _multi_az,
        ),
        TruthProbe(
            "aurora.failover",
            "a reader becomes the writer and has the rows"
            f" ({_RDS}/AuroraUserGuide/Concepts.AuroraHighAvailability.html)",
            _aurora_failover,
        ),
    )
}
