"""S3 buckets in AWS Backup: a recovery point holds copies of all object versions, a restore brings the latest back.

https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any

from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend, s3_backends

from drillbook.embedded.backup.kind import Home, Taken, demand
from drillbook.embedded.backup.records import RecoveryPoint
from drillbook.embedded.backup.refusals import bad_metadata
from drillbook.embedded.backup.work import JobFailed, Work
from drillbook.embedded.keys.services import check_readable

_ENCRYPTIONS = ("original", "SSE-S3", "SSE-KMS")
_ITEMS = 5
"""Objects that one restore may name."""
_BATCH = 100
"""Objects restored in one step."""


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object, or a delete marker."""

    name: str
    object: FakeKey | None
    """None: a delete marker."""
    tags: dict[str, str]


class Buckets:
    """The kind. Buckets must have versioning, and are backed up in their own region."""

    type = "S3"
    names_point_at_once = False
    vault_encrypts = True

    def owns(self, arn: str) -> bool:
        return re.fullmatch(r"arn:aws[^:]*:s3:::[^/]+", arn) is not None

    def name(self, home: Home, arn: str) -> str | None:
        name = arn.rsplit(":", 1)[1]
        bucket = _backend(home).buckets.get(name)
        return name if bucket is not None and bucket.region_name == home.region else None

    def tags(self, home: Home, arn: str) -> dict[str, str]:
        return dict(_backend(home).tagger.get_tag_dict_for_resource(arn))

    def tag(self, home: Home, arn: str, tags: dict[str, str]) -> None:
        _backend(home).tag_resource(arn, tags)

    def point_arn(self, home: Home, name: str, number: str) -> str:
        return f"arn:aws:backup:{home.region}:{home.account}:recovery-point:{name}-{number}"

    def back_up(self, home: Home, name: str, point_arn: str, work: Work) -> Taken:
        backend = _backend(home)

        def take() -> list[StoredVersion]:
            bucket = backend.get_bucket(name)
            if not bucket.is_versioned:
                raise JobFailed(f"Bucket {name} cannot be backed up: S3 Versioning is not enabled")
            stacks = list(dict(bucket.keys).values())
            return [_stored(backend, version, home.region) for stack in stacks for version in list(stack)]

        return _taken(point_arn, work.step(take, home.region), name)

    def copy(self, point: RecoveryPoint, home: Home, point_arn: str, work: Work) -> Taken:
        contents = work.step(lambda: copy.deepcopy(point.contents), point.vault.region, home.region)
        return _taken(point_arn, contents, point.resource.name)

    def check(self, metadata: dict[str, str]) -> None:
        demand(metadata, "DestinationBucketName")
        if metadata.get("EncryptionType", "original") not in _ENCRYPTIONS:
            raise bad_metadata(f"EncryptionType must be one of {', '.join(_ENCRYPTIONS)}")
        if metadata.get("NewBucket", "false").lower() not in ("true", "false"):
            raise bad_metadata("NewBucket must be true or false")
        _asked_for(metadata)

    def restore(self, point: RecoveryPoint, metadata: dict[str, str], work: Work) -> str:
        home = Home(point.vault.account, point.vault.region)
        target, backend = metadata["DestinationBucketName"], _backend(home)
        work.step(lambda: _destination(backend, target, home, metadata), home.region)
        wanted, latest = _asked_for(metadata), {stored.name: stored for stored in point.contents}
        chosen = [stored for name, stored in latest.items() if stored.object and (not wanted or name in wanted)]
        for start in range(0, len(chosen), _BATCH):
            batch = chosen[start : start + _BATCH]
            work.step(lambda batch=batch: _put_back(backend, target, batch, metadata), home.region)  # type: ignore[misc]
        return f"arn:aws:s3:::{target}"

    def delete(self, point: RecoveryPoint) -> None:
        for stored in point.contents:
            if stored.object:
                stored.object.dispose()


def _stored(backend: S3Backend, version: FakeKey | FakeDeleteMarker, region: str) -> StoredVersion:
    if isinstance(version, FakeDeleteMarker):
        return StoredVersion(version.name, None, {})
    check_readable(version, region)
    return StoredVersion(
        version.name, copy.deepcopy(version), dict(backend.tagger.get_tag_dict_for_resource(version.arn))
    )


def _taken(point_arn: str, versions: list[StoredVersion], bucket: str) -> Taken:
    size = sum(stored.object.size for stored in versions if stored.object)
    return Taken(point_arn, contents=versions, size=size, restore_metadata={"BucketName": bucket})


def _asked_for(metadata: dict[str, str]) -> frozenset[str]:
    """The keys of the objects to restore, given as S3 URIs; none means all."""
    uris = [metadata[name] for number in range(1, _ITEMS + 1) if (name := f"ItemPath{number}") in metadata]
    if listed := metadata.get("ItemsToRestore"):
        try:
            uris += json.loads(listed)
        except ValueError as error:
            raise bad_metadata("ItemsToRestore must be a JSON list") from error
    if len(uris) > _ITEMS:
        raise bad_metadata(f"At most {_ITEMS} items can be restored by one job")
    if wrong := [uri for uri in uris if not re.match("s3://[^/]+/.", str(uri))]:
        raise bad_metadata(f"Not the URI of an object: {wrong[0]}")
    return frozenset(uri.split("/", 3)[3] for uri in uris)


def _destination(backend: S3Backend, target: str, home: Home, metadata: dict[str, str]) -> None:
    """The bucket to restore into, made if so asked. Raises JobFailed or the error of S3 itself."""
    if metadata.get("NewBucket", "false").lower() == "true":
        if target in backend.buckets:
            raise JobFailed(f"Bucket {target} exists already")
        backend.create_bucket(target, home.region)
        backend.put_bucket_versioning(target, "Enabled")
        return
    bucket = backend.get_bucket(target)
    if bucket.region_name != home.region:
        raise JobFailed(f"Bucket {target} is in {bucket.region_name}: a restore stays in the vault's region")
    if not bucket.is_versioned:
        raise JobFailed(f"Bucket {target} cannot be restored into: S3 Versioning is not enabled")


def _put_back(backend: S3Backend, target: str, versions: list[StoredVersion], metadata: dict[str, str]) -> None:
    """Objects that are there are never replaced; a delete marker counts as an object that is not there."""
    for stored in versions:
        version = stored.object
        assert version is not None
        current = backend.get_bucket(target).keys.get(version.name)
        if current is not None and not isinstance(current, FakeDeleteMarker):
            continue
        made = backend.put_object(target, version.name, version.value, **_encryption(version, metadata))
        made.set_metadata(dict(version.metadata), replace=True)
        made.set_acl(version.acl)
        if stored.tags:
            backend.put_object_tagging(made, stored.tags)


def _encryption(version: FakeKey, metadata: dict[str, str]) -> dict[str, Any]:
    match metadata.get("EncryptionType", "original"):
        case "SSE-S3":
            return {"encryption": "AES256"}
        case "SSE-KMS":
            return {"encryption": "aws:kms", "kms_key_id": metadata.get("KMSKey")}
        case _:
            return {"encryption": version.encryption, "kms_key_id": version.kms_key_id}


def _backend(home: Home) -> S3Backend:
    return s3_backends[home.account]["aws"]
