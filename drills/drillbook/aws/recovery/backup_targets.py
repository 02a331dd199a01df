"""What AWS Backup can restore to: how each kind is named in a restore's metadata, found, and deleted again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery import made_database
from drillbook.aws.recovery.database_kinds import CLUSTER, INSTANCE, Kind, arn_of, look, rds_of
from drillbook.aws.session import session_of
from drillbook.errors import UsageError

if TYPE_CHECKING:
    from drillbook.world import World

_BOUND_TO_REGION = (
    "AvailabilityZone", "AvailabilityZones", "DBSubnetGroupName", "VpcSecurityGroupIds", "KmsKeyId",
    "DBParameterGroupName", "DBClusterParameterGroupName", "OptionGroupName", "kmsMasterKeyArn",
)  # fmt: skip


class Target(Protocol):
    """Something that is to be restored."""

    @property
    def arn(self) -> str: ...

    def metadata(self, told: dict[str, str], *, abroad: bool) -> dict[str, str]:
        """The metadata of the restore: what AWS Backup ``told`` of the original, under the new name.

        ``abroad``: the point is of another region, whose subnets, groups and keys are not here.
        """

    def exists(self) -> bool: ...

    def made_at(self) -> datetime | None:
        """When AWS made it; None if that is not said, as long as it is being made, or if it is not there."""

    def delete(self) -> bool:
        """Ask for the deletion. True once it is gone."""


def target(world: World, kind: str, name: str, region: str | None) -> Target:
    """``kind`` is AWS Backup's ResourceType. Raises UsageError for one that cannot be restored here."""
    match kind:
        case "DynamoDB":
            return Table(world, name, region)
        case "RDS":
            return Database(world, name, region, INSTANCE)
        case "Aurora":
            return Database(world, name, region, CLUSTER)
        case "S3":
            return Bucket(world, name, region)
    raise UsageError(f"{kind} cannot be restored by drillbook", do="restore DynamoDB, RDS, Aurora or S3")


@dataclass(frozen=True)
class Table:
    """A DynamoDB table. https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html"""

    world: World
    name: str
    region: str | None

    @property
    def arn(self) -> str:
        session = session_of(self.world)
        return f"arn:aws:dynamodb:{self.region or session.region}:{session.account}:table/{self.name}"

    def metadata(self, told: dict[str, str], *, abroad: bool) -> dict[str, str]:
        kept = without(told, _BOUND_TO_REGION if abroad else ())
        more = {"targetTableName": self.name}
        if len(kept) < len(told):
            more["encryptionType"] = "Default"
        return merged(kept, more)

    def exists(self) -> bool:
        return self._look() is not None

    def made_at(self) -> datetime | None:
        return (self._look() or {}).get("CreationDateTime")

    def delete(self) -> bool:
        from botocore.exceptions import ClientError

        found = self._look()
        if found is None:
            return True
        with calling(f"delete the table {self.name}"):
            try:
                if found.get("DeletionProtectionEnabled"):
                    self._dynamodb.update_table(TableName=self.name, DeletionProtectionEnabled=False)
                if found["TableStatus"] != "DELETING":
                    self._dynamodb.delete_table(TableName=self.name)
            except ClientError as error:
                if code_of(error) not in ("ResourceInUseException", "ResourceNotFoundException"):
                    raise
        return False

    def _look(self) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        with calling(f"describe the table {self.name}"):
            try:
                return dict(self._dynamodb.describe_table(TableName=self.name)["Table"])
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise

    @property
    def _dynamodb(self) -> Any:
        return session_of(self.world).client("dynamodb", self.region)


@dataclass(frozen=True)
class Database:
    """An RDS instance, or an Aurora cluster, which is restored without instances.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-aur.html
    """

    world: World
    name: str
    region: str | None
    kind: Kind

    @property
    def arn(self) -> str:
        return arn_of(self.world, self.region, self.kind, self.name)

    def metadata(self, told: dict[str, str], *, abroad: bool) -> dict[str, str]:
        return merged(without(told, _BOUND_TO_REGION if abroad else ()), {self.kind.name: self.name})

    def exists(self) -> bool:
        return self._look() is not None

    def made_at(self) -> datetime | None:
        found = self._look() or {}
        return found.get("InstanceCreateTime") or found.get("ClusterCreateTime")

    def delete(self) -> bool:
        return made_database.delete(rds_of(self.world, self.region), self.kind, self.name)

    def _look(self) -> dict[str, Any] | None:
        return look(rds_of(self.world, self.region), self.kind, self.name)


@dataclass(frozen=True)
class Bucket:
    """A new bucket. https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html"""

    world: World
    name: str
    region: str | None

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"

    def metadata(self, told: dict[str, str], *, abroad: bool) -> dict[str, str]:  # noqa: ARG002 - all is of the target
        return {"DestinationBucketName": self.name, "NewBucket": "true", "EncryptionType": "original"}

    def exists(self) -> bool:
        from botocore.exceptions import ClientError

        with calling(f"look for the bucket {self.name}"):
            try:
                self._s3.head_bucket(Bucket=self.name)
            except ClientError as error:
                if code_of(error) in ("404", "NoSuchBucket"):
                    return False
                raise
        return True

    def made_at(self) -> datetime | None:
        with calling(f"ask when the bucket {self.name} was made"):
            listed = self._s3.list_buckets()["Buckets"]
        return next((one["CreationDate"] for one in listed if one["Name"] == self.name), None)

    def delete(self) -> bool:
        """With all versions of its objects."""
        if not self.exists():
            return True
        with calling(f"empty and delete the bucket {self.name}"):
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self.name):
                listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
                if keys:
                    self._s3.delete_objects(Bucket=self.name, Delete={"Objects": keys, "Quiet": True})
            self._s3.delete_bucket(Bucket=self.name)
        return True

    @property
    def _s3(self) -> Any:
        return session_of(self.world).client("s3", self.region)


def merged(told: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """``more`` over ``told``. AWS Backup takes the names of metadata in any case, and each only once."""
    return without(told, more) | more


def without(told: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    """``told`` without ``names``, in whatever case."""
    left_out = {name.lower() for name in names}
    return {name: value for name, value in told.items() if name.lower() not in left_out}
