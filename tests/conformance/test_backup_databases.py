"""AWS Backup of RDS instances and Aurora clusters."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from . import postgres_client
from .backup_client import DOCS, PATIENCE, Backups, refused
from .conftest import HERE, THERE, Breaking, Endpoint
from .postgres_client import query


def available(rds: Any, name: str, kind: str = "instance") -> dict[str, Any]:
    plural, identifier = ("DBInstances", "DBInstance") if kind == "instance" else ("DBClusters", "DBCluster")

    def look() -> dict[str, Any]:
        call = getattr(rds, f"describe_db_{kind}s")
        return dict(call(**{f"{identifier}Identifier": name})[plural][0])

    status = f"{identifier}Status" if kind == "instance" else "Status"
    return wait_for(name, look, until=lambda found: found[status] == "available", timeout=PATIENCE, clock=SystemClock())


class Vault:
    """A vault, and the jobs into and out of it."""

    def __init__(self, client: Callable[..., Any], account: str, name: str, region: str = HERE) -> None:
        self._backups, self.name = Backups(client, account, region), name
        self.api, self.arn = self._backups.api, self._backups.vault(name)

    def take(self, arn: str) -> dict[str, Any]:
        return self._backups.back_up(self.name, arn)

    def copy_to(self, other: Vault, point: str) -> dict[str, Any]:
        return self._backups.copy(self.name, point, other.arn)

    def restore(self, point: str, **metadata: str) -> dict[str, Any]:
        return self._backups.restore(point, metadata)


def an_instance(rds: Any, name: str) -> str:
    return str(postgres_client.create(rds, name, BackupRetentionPeriod=0)["DBInstanceArn"])


def rows(instance: dict[str, Any]) -> dict[int, str]:
    return dict(query(instance, "select n, told from rows"))


def write(instance: dict[str, Any], changes: list[tuple[int, str | None]]) -> None:
    """Each pair sets a row, or deletes it; committed one by one."""
    with postgres_client.connect(instance) as connection:
        connection.execute("create table if not exists rows (n int primary key, told text)")
        for number, told in changes:
            connection.execute("delete from rows where n = %s", (number,))
            if told is not None:
                connection.execute("insert into rows values (%s, %s)", (number, told))


def a_cluster(rds: Any, name: str) -> str:
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername=postgres_client.USER,
        MasterUserPassword=postgres_client.PASSWORD,
        DatabaseName=postgres_client.DATABASE,
    )
    return str(available(rds, name, "cluster")["DBClusterArn"])


def a_member(rds: Any, cluster: str) -> dict[str, Any]:
    name = f"{cluster}-1"
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=cluster,
        Engine="aurora-postgresql",
        DBInstanceClass="db.r6g.large",
    )
    return available(rds, name)


@pytest.mark.rule("a recovery point of an instance is a snapshot named awsbackup:job-…", DOCS + "restoring-rds.html")
def test_a_deleted_instance_comes_back(client: Callable[..., Any], endpoint: Endpoint) -> None:
    rds, backup = client("rds"), Vault(client, endpoint.account, "rds-back")
    arn = an_instance(rds, "rds-back")
    write(available(rds, "rds-back"), [(1, "one"), (2, "two"), (3, "three"), (3, None)])
    job = backup.take(arn)
    write(available(rds, "rds-back"), [(1, "corrupt"), (4, "four")])
    assert (job["State"], job["ResourceType"]) == ("COMPLETED", "RDS")
    assert ":snapshot:awsbackup:job-" in job["RecoveryPointArn"]
    rds.delete_db_instance(DBInstanceIdentifier="rds-back", SkipFinalSnapshot=True)
    gone(rds, "rds-back")
    restored = backup.restore(job["RecoveryPointArn"], DBInstanceIdentifier="rds-back", MultiAZ="false")
    assert (restored["Status"], restored["CreatedResourceArn"]) == ("COMPLETED", arn)
    assert rows(available(rds, "rds-back")) == {1: "one", 2: "two"}


def gone(rds: Any, name: str) -> None:
    def look() -> bool:
        try:
            rds.describe_db_instances(DBInstanceIdentifier=name)
        except rds.exceptions.DBInstanceNotFoundFault:
            return True
        return False

    wait_for(f"{name} to be gone", look, timeout=PATIENCE, clock=SystemClock())


@pytest.mark.rule("an instance restore needs DBInstanceIdentifier, with values that fit", DOCS + "restoring-rds.html")
def test_an_instance_restore_needs_its_metadata(client: Callable[..., Any], endpoint: Endpoint) -> None:
    rds, backup = client("rds"), Vault(client, endpoint.account, "rds-metadata")
    arn = an_instance(rds, "rds-metadata")
    point = backup.take(arn)["RecoveryPointArn"]
    for wrong in ({}, {"DBInstanceClass": "db.t3.micro"}, {"DBInstanceIdentifier": "x", "MultiAZ": "perhaps"}):
        assert refused(backup.restore, point, **wrong) == "InvalidParameterValueException", wrong
    assert backup.restore(point, DBInstanceIdentifier="rds-metadata")["Status"] == "FAILED"
    told = backup.api.get_recovery_point_restore_metadata(BackupVaultName=backup.name, RecoveryPointArn=point)
    assert told["RestoreMetadata"]["DBInstanceIdentifier"] == "rds-metadata"


@pytest.mark.rule("a snapshot that is copied is restored in the other region", DOCS + "cross-region-backup.html")
def test_an_instance_is_restored_in_the_other_region(
    client: Callable[..., Any], endpoint: Endpoint, breaking: Breaking
) -> None:
    rds, backup = client("rds"), Vault(client, endpoint.account, "rds-copied")
    there = Vault(client, endpoint.account, "rds-copied", THERE)
    arn = an_instance(rds, "rds-copied")
    write(available(rds, "rds-copied"), [(1, "one")])
    point = backup.take(arn)["RecoveryPointArn"]
    copied = backup.copy_to(there, point)
    assert copied["State"] == "COMPLETED", copied
    breaking.region(HERE)
    restored = there.restore(copied["DestinationRecoveryPointArn"], DBInstanceIdentifier="rds-copied")
    assert restored["Status"] == "COMPLETED", restored
    instance = available(client("rds", THERE), "rds-copied")
    assert (instance["DBInstanceArn"], rows(instance)) == (restored["CreatedResourceArn"], {1: "one"})


@pytest.mark.rule(
    "a restored cluster needs DBClusterIdentifier and Engine, and has no instances", DOCS + "restoring-aur.html"
)
def test_a_cluster_is_restored_without_instances(client: Callable[..., Any], endpoint: Endpoint) -> None:
    rds, backup = client("rds"), Vault(client, endpoint.account, "aurora-back")
    arn = a_cluster(rds, "aurora-back")
    write(a_member(rds, "aurora-back"), [(1, "one"), (2, "two")])
    job = backup.take(arn)
    write(available(rds, "aurora-back-1"), [(1, None)])
    assert (job["State"], job["ResourceType"]) == ("COMPLETED", "Aurora")
    point = job["RecoveryPointArn"]
    assert ":cluster-snapshot:awsbackup:job-" in point
    assert refused(backup.restore, point, DBClusterIdentifier="aurora-restored") == "InvalidParameterValueException"
    made = backup.restore(point, DBClusterIdentifier="aurora-restored", Engine="aurora-postgresql")
    assert made["Status"] == "COMPLETED", made
    assert available(rds, "aurora-restored", "cluster")["DBClusterMembers"] == []
    assert rows(a_member(rds, "aurora-restored")) == {1: "one", 2: "two"}


@pytest.mark.rule("deleting a recovery point deletes its snapshot", DOCS + "deleting-backups.html")
def test_a_deleted_point_takes_its_snapshot_along(client: Callable[..., Any], endpoint: Endpoint) -> None:
    rds, backup = client("rds"), Vault(client, endpoint.account, "rds-deleted")
    point = backup.take(an_instance(rds, "rds-deleted"))["RecoveryPointArn"]
    snapshot = point.split(":", 6)[6]
    assert rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"]
    backup.api.delete_recovery_point(BackupVaultName=backup.name, RecoveryPointArn=point)
    assert refused(rds.describe_db_snapshots, DBSnapshotIdentifier=snapshot) == "DBSnapshotNotFound"


changes = st.lists(
    st.tuples(st.integers(1, 6), st.one_of(st.none(), st.text(alphabet="abcé'\\%", max_size=5))), min_size=1, max_size=8
)


@pytest.mark.slow
@pytest.mark.rule(
    "a restored instance holds what was committed at the backup, and no more", DOCS + "restoring-rds.html"
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=changes, after=changes)
def test_what_is_restored_equals_the_recovery_point(
    client: Callable[..., Any],
    endpoint: Endpoint,
    before: list[tuple[int, str | None]],
    after: list[tuple[int, str | None]],
) -> None:
    rds, name = client("rds"), f"property-{uuid.uuid4().hex[:8]}"
    backup = Vault(client, endpoint.account, name)
    instance = postgres_client.create(rds, name, BackupRetentionPeriod=0)
    write(instance, before)
    truth = rows(instance)
    job = backup.take(instance["DBInstanceArn"])
    write(instance, after)
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    gone(rds, name)
    assert backup.restore(job["RecoveryPointArn"], DBInstanceIdentifier=name)["Status"] == "COMPLETED"
    assert rows(available(rds, name)) == truth
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
