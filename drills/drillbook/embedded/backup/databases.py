"""RDS instances and Aurora clusters in AWS Backup: recovery points are snapshots of RDS.

https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-rds.html
https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-aur.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from moto.core.parse import XFormedDict
from moto.core.utils import get_service_model
from moto.rds.models import RDSBackend, rds_backends

from drillbook.embedded.backup.kind import Home, Taken, demand
from drillbook.embedded.backup.records import RecoveryPoint
from drillbook.embedded.backup.refusals import bad_metadata
from drillbook.embedded.backup.work import JobFailed, Work

_GIB = 2**30
_TAKEN_FROM_ELSEWHERE = frozenset({"DBSnapshotIdentifier", "SnapshotIdentifier", "Tags"})
_TRUTHS = {"true": True, "false": False}


_OURS: set[str] = set()
"""Identifiers of snapshots that AWS Backup makes. Only it may begin one with ``awsbackup:``."""


def allowing_ours(original: Callable[..., None]) -> Callable[..., None]:
    """RDS's rule for the names of snapshots, which a customer must keep."""

    def validate(db_snapshot_identifier: str, parameter_name: str) -> None:
        if db_snapshot_identifier not in _OURS:
            original(db_snapshot_identifier, parameter_name=parameter_name)

    return validate


class Databases:
    """RDS instances. What differs for clusters is in few methods."""

    type = "RDS"
    names_point_at_once = False
    vault_encrypts = False
    part, snapshot_part = "db", "snapshot"
    request = "RestoreDBInstanceFromDBSnapshot"
    identifier = "DBInstanceIdentifier"
    required: tuple[str, ...] = ("DBInstanceIdentifier",)

    def owns(self, arn: str) -> bool:
        return re.fullmatch(rf"arn:[^:]+:rds:[^:]+:\d+:{self.part}:[^:]+", arn) is not None

    def name(self, home: Home, arn: str) -> str | None:
        name = arn.split(":")[6]
        return name if name in self.existing(_backend(home)) else None

    def tags(self, home: Home, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in _backend(home).list_tags_for_resource(arn)}

    def tag(self, home: Home, arn: str, tags: dict[str, str]) -> None:
        _backend(home).tag_resource(arn, tags)

    def point_arn(self, home: Home, name: str, number: str) -> str:
        del name
        return f"arn:aws:rds:{home.region}:{home.account}:{self.snapshot_part}:awsbackup:job-{number}"

    def back_up(self, home: Home, name: str, point_arn: str, work: Work) -> Taken:
        backend, snapshot_id = _backend(home), _ours(point_arn)
        work.step(lambda: self.create_snapshot(backend, name, snapshot_id), home.region)
        return self._finished(backend, home, point_arn, work)

    def copy(self, point: RecoveryPoint, home: Home, point_arn: str, work: Work) -> Taken:
        backend, snapshot_id = _backend(home), _ours(point_arn)
        regions = point.vault.region, home.region
        work.step(lambda: self.copy_snapshot(backend, point.arn, snapshot_id), *regions)
        return self._finished(backend, home, point_arn, work)

    def _finished(self, backend: RDSBackend, home: Home, point_arn: str, work: Work) -> Taken:
        """RDS makes the snapshot in its own time and says when it is available."""
        snapshot_id = _identifier(point_arn)

        def available() -> bool:
            status = getattr(self.snapshots(backend).get(snapshot_id), "status", "deleted")
            if status in ("failed", "deleted"):
                raise JobFailed(f"The snapshot {snapshot_id} is {status}")
            return bool(status == "available")

        work.until(available, home.region)
        snapshot = self.snapshots(backend)[snapshot_id]
        size = int(getattr(snapshot, "allocated_storage", 0) or 0) * _GIB
        return Taken(point_arn, contents=snapshot_id, size=size, restore_metadata=self.described(snapshot))

    def check(self, metadata: dict[str, str]) -> None:
        demand(metadata, *self.required)
        self.arguments(metadata)

    def restore(self, point: RecoveryPoint, metadata: dict[str, str], work: Work) -> str:
        backend, region = _backend(Home(point.vault.account, point.vault.region)), point.vault.region
        name = metadata[self.identifier]
        arguments = XFormedDict(self.arguments(metadata))
        made = work.step(lambda: self.restore_snapshot(backend, point.contents, arguments), region)

        def available() -> bool:
            status = getattr(self.existing(backend).get(name), "status", "deleted")
            if status in ("failed", "deleted", "restore-error"):
                raise JobFailed(f"{self.identifier} {name} is {status}")
            return bool(status == "available")

        work.until(available, region)
        return str(made.arn)

    def arguments(self, metadata: dict[str, str]) -> dict[str, Any]:
        """Metadata are strings; the names are those of the RDS request, whatever their case. Others say nothing to RDS.

        Raises InvalidParameterValueException for a string that is no number, no truth or no JSON list.
        """
        members = get_service_model("rds").operation_model(self.request).input_shape.members
        known = {name.lower(): name for name in set(members) - _TAKEN_FROM_ELSEWHERE}
        named = {known[key.lower()]: value for key, value in metadata.items() if key.lower() in known and value != ""}
        return {name: _parsed(name, value, members[name].type_name) for name, value in named.items()}

    def delete(self, point: RecoveryPoint) -> None:
        backend = _backend(Home(point.vault.account, point.vault.region))
        if point.contents in self.snapshots(backend):
            self.delete_snapshot(backend, point.contents)

    # What RDS calls differently for instances and for clusters

    def existing(self, backend: RDSBackend) -> Any:
        return backend.databases

    def snapshots(self, backend: RDSBackend) -> Any:
        return backend.database_snapshots

    def create_snapshot(self, backend: RDSBackend, name: str, snapshot_id: str) -> Any:
        return backend.create_db_snapshot(name, snapshot_id)

    def copy_snapshot(self, backend: RDSBackend, source_arn: str, snapshot_id: str) -> Any:
        return backend.copy_db_snapshot(
            source_db_snapshot_identifier=source_arn, target_db_snapshot_identifier=snapshot_id, copy_tags=True
        )

    def restore_snapshot(self, backend: RDSBackend, snapshot_id: str, arguments: Any) -> Any:
        return backend.restore_db_instance_from_db_snapshot(snapshot_id, arguments)

    def delete_snapshot(self, backend: RDSBackend, snapshot_id: str) -> Any:
        return backend.delete_db_snapshot(snapshot_id)

    def described(self, snapshot: Any) -> dict[str, str]:
        database = snapshot.database
        told = {
            "DBInstanceIdentifier": snapshot.db_instance_identifier,
            "DBInstanceClass": database.db_instance_class,
            "Engine": snapshot.engine,
            "MultiAZ": database.multi_az,
            "PubliclyAccessible": database.publicly_accessible,
            "StorageType": database.storage_type,
            "Port": snapshot.port,
        }
        return _told(told)


class Clusters(Databases):
    """Aurora clusters. A restored cluster has no instances until somebody creates one, as on AWS."""

    type = "Aurora"
    part, snapshot_part = "cluster", "cluster-snapshot"
    request = "RestoreDBClusterFromSnapshot"
    identifier = "DBClusterIdentifier"
    required = ("DBClusterIdentifier", "Engine")

    def existing(self, backend: RDSBackend) -> Any:
        return backend.clusters

    def snapshots(self, backend: RDSBackend) -> Any:
        return backend.cluster_snapshots

    def create_snapshot(self, backend: RDSBackend, name: str, snapshot_id: str) -> Any:
        return backend.create_db_cluster_snapshot(name, snapshot_id)

    def copy_snapshot(self, backend: RDSBackend, source_arn: str, snapshot_id: str) -> Any:
        return backend.copy_db_cluster_snapshot(
            source_db_cluster_snapshot_identifier=source_arn,
            target_db_cluster_snapshot_identifier=snapshot_id,
            copy_tags=True,
        )

    def restore_snapshot(self, backend: RDSBackend, snapshot_id: str, arguments: Any) -> Any:
        return backend.restore_db_cluster_from_snapshot(snapshot_id, arguments)

    def delete_snapshot(self, backend: RDSBackend, snapshot_id: str) -> Any:
        return backend.delete_db_cluster_snapshot(snapshot_id)

    def described(self, snapshot: Any) -> dict[str, str]:
        cluster = snapshot.cluster
        told = {
            "DBClusterIdentifier": cluster.db_cluster_identifier,
            "Engine": cluster.engine,
            "EngineVersion": cluster.engine_version,
            "Port": cluster.port,
        }
        return _told(told)


def _parsed(name: str, value: str, as_type: str) -> Any:
    try:
        match as_type:
            case "boolean":
                return _TRUTHS[value.lower()]
            case "integer" | "long":
                return int(value)
            case "list" | "structure":
                return json.loads(value)
            case _:
                return value
    except (KeyError, ValueError) as error:
        raise bad_metadata(f"{name} has an invalid value") from error


def _told(values: dict[str, Any]) -> dict[str, str]:
    texts = {True: "true", False: "false"}
    return {
        name: texts[value] if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _ours(point_arn: str) -> str:
    _OURS.add(_identifier(point_arn))
    return _identifier(point_arn)


def _identifier(point_arn: str) -> str:
    return point_arn.split(":", 6)[6]


def _backend(home: Home) -> RDSBackend:
    return rds_backends[home.account][home.region]
