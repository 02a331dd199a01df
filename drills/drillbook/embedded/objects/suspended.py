"""A bucket whose versioning is suspended keeps all versions that it has: only its null version is overwritten.

moto drops them all. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend

Call = Callable[..., Any]


def put_object(real: Call) -> Call:
    @wraps(real)
    def put(backend: S3Backend, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> FakeKey:
        bucket = backend.get_bucket(bucket_name)
        kept = _older_versions(bucket, key_name)
        if kept:
            dict.__setitem__(bucket.keys, key_name, kept[:0])  # moto would dispose of what it finds here.
        key: FakeKey = real(backend, bucket_name, key_name, *args, **kwargs)
        if kept:
            bucket.keys.setlist(key_name, [*kept, key])
        return key

    return put


def delete_object(real: Call) -> Call:
    @wraps(real)
    def delete(
        backend: S3Backend, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> tuple[bool, dict[str, Any]]:
        bucket = backend.get_bucket(bucket_name)
        if bucket.versioning_status != "Suspended" or key_name not in bucket.keys:
            answer: tuple[bool, dict[str, Any]] = real(backend, bucket_name, key_name, version_id, bypass)
            return answer
        if version_id is None:
            return True, _mark_deleted(bucket, key_name)
        bucket.versioning_status = "Enabled"  # Then moto deletes this version, and not all of them.
        try:
            deleted: tuple[bool, dict[str, Any]] = real(backend, bucket_name, key_name, version_id, bypass)
        finally:
            bucket.versioning_status = "Suspended"
        return deleted

    return delete


def _mark_deleted(bucket: FakeBucket, name: str) -> dict[str, Any]:
    """The null version gives way to a delete marker that is the null version."""
    marker = FakeDeleteMarker(key=bucket.keys[name])
    marker._version_id = "null"
    bucket.keys.setlist(name, [*_older_versions(bucket, name), marker])
    return {"version-id": "null", "delete-marker": "true"}


def _older_versions(bucket: FakeBucket, name: str) -> list[FakeKey | FakeDeleteMarker]:
    """What stays when the null version is replaced."""
    if bucket.versioning_status != "Suspended":
        return []
    return [version for version in bucket.keys.getlist(name, []) if version.version_id != "null"]
