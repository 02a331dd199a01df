"""Copy a bucket to another, and bring back what was deleted from one. Both keep every version there was.

Copies are made by S3 itself, up to 5 GB an object (AWS: CopyObject), with metadata and tags. The target must have
versioning: an object that is copied over could not be brought back without it. Nothing is deleted from the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

T = TypeVar("T")

LARGEST = 5 * 1024**3
"""Bytes that one CopyObject may copy."""
_BATCH = 500
"""Objects to one entry of the journal."""
_AT_ONCE = 8


class CopiedObjectsSettings(Settings):
    source: str
    target: str
    objects: dict[str, str]
    """Key → ETag of what is to be copied."""
    region: str | None = None


class CopiedObjects:
    """Copy some objects to another bucket. Undoing removes the versions that were made, and no others."""

    Settings = CopiedObjectsSettings

    def __init__(self, world: World, settings: CopiedObjectsSettings) -> None:
        self._settings, self._session = settings, session_of(world)
        self._s3 = self._session.client("s3", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"copy {len(self._settings.objects)} objects from {self._settings.source} to {self._settings.target}"

    def touches(self) -> list[str]:
        return [f"arn:aws:s3:::{self._settings.target}"]

    def capture(self) -> Json:
        """The version that each key has now, or None."""
        keys = list(self._settings.objects)
        with calling(f"read what {self._settings.target} holds"):
            return dict(zip(keys, _all_at_once(self._current, keys), strict=True))

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        with calling(self.describe()):
            _all_at_once(self._copy, list(self._settings.objects))

    def restore(self, before: Json) -> None:
        with calling(f"undo: {self.describe()}"):
            for key, version in self._made(before):
                self._s3.delete_object(Bucket=self._settings.target, Key=key, VersionId=version)

    def restored(self, before: Json) -> bool:
        with calling(f"look for what was copied to {self._settings.target}"):
            return not list(self._made(before))

    def _copy(self, key: str) -> None:
        self._s3.copy_object(
            Bucket=self._settings.target,
            Key=key,
            CopySource={"Bucket": self._settings.source, "Key": key},
            CopySourceIfMatch=self._settings.objects[key],
        )

    def _current(self, key: str) -> str | None:
        latest = next((each for each in self._versions(key) if each["IsLatest"]), None)
        return latest["VersionId"] if latest else None

    def _made(self, before: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
        """The versions made since ``before`` that hold what was to be copied."""
        for key, kept in before.items():
            for version in self._versions(key):
                if version["VersionId"] == kept:
                    break
                if version.get("ETag") == self._settings.objects[key]:
                    yield key, version["VersionId"]

    def _versions(self, key: str) -> list[dict[str, Any]]:
        """Versions and delete markers of one key, newest first."""
        found = [each for each in _versions(self._s3, self._settings.target, key) if each["Key"] == key]
        return sorted(found, key=lambda each: (each["IsLatest"], each["LastModified"]), reverse=True)


class UndeletedSettings(Settings):
    bucket: str
    markers: dict[str, str]
    """Key → version of the delete marker that hides it."""
    region: str | None = None


class Undeleted:
    """Remove delete markers, so that what they hide is there again. Undoing deletes those objects again."""

    Settings = UndeletedSettings

    def __init__(self, world: World, settings: UndeletedSettings) -> None:
        self._settings, self._session = settings, session_of(world)
        self._s3 = self._session.client("s3", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"bring back {len(self._settings.markers)} deleted objects of {self._settings.bucket}"

    def touches(self) -> list[str]:
        return [f"arn:aws:s3:::{self._settings.bucket}"]

    def capture(self) -> Json:
        """Which version each marker hides: only an object that is still that version is deleted again."""
        return {key: self._hidden(key) for key in self._settings.markers}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        with calling(self.describe()):
            for key, version in self._settings.markers.items():
                self._s3.delete_object(Bucket=self._settings.bucket, Key=key, VersionId=version)

    def restore(self, before: Json) -> None:
        with calling(f"undo: {self.describe()}"):
            for key in self._back(before):
                self._s3.delete_object(Bucket=self._settings.bucket, Key=key)

    def restored(self, before: Json) -> bool:
        with calling(f"read the objects of {self._settings.bucket}"):
            return not self._back(before)

    def _hidden(self, key: str) -> str | None:
        found = [
            each for each in _versions(self._s3, self._settings.bucket, key) if each["Key"] == key and "ETag" in each
        ]
        newest = max(found, key=lambda each: each["LastModified"], default=None)
        return newest["VersionId"] if newest else None

    def _back(self, before: Mapping[str, str | None]) -> list[str]:
        return [key for key, version in before.items() if version and self._is_current(key, version)]

    def _is_current(self, key: str, version: str) -> bool:
        found = [each for each in _versions(self._s3, self._settings.bucket, key) if each["Key"] == key]
        return any(each["IsLatest"] and each["VersionId"] == version for each in found)


def sync(
    world: World,
    source: str,
    target: str,
    *,
    prefix: str = "",
    source_region: str | None = None,
    region: str | None = None,
) -> int:
    """Copy what ``target`` lacks, or has otherwise, and return how many objects that were. Run again, it goes on.

    For the way home, exchange source and target; what is newer at the target is then not overwritten, and raises
    PermanentError, as two buckets written at the same time are to be merged by a person. Raises PermanentError for a
    target without versioning and for an object over 5 GB.
    """
    _refuse_unversioned(world, target, region)
    wanted = differing(world, source, target, prefix=prefix, source_region=source_region, region=region)
    keys = list(wanted)
    for start in range(0, len(keys), _BATCH):
        objects = {key: wanted[key] for key in keys[start : start + _BATCH]}
        settings = CopiedObjectsSettings(source=source, target=target, objects=objects, region=region)
        make(world, CopiedObjects, settings)
    return len(keys)


def differing(
    world: World,
    source: str,
    target: str,
    *,
    prefix: str = "",
    source_region: str | None = None,
    region: str | None = None,
) -> dict[str, str]:
    """Key → ETag of what ``target`` lacks or has otherwise than ``source``.

    ETags are compared, and sizes where an object came in parts or is encrypted with a key of KMS, whose ETag is no
    hash (AWS: "Object"); such an object that was changed later than its copy differs, too.
    """
    here = _listed(world, source, prefix, source_region)
    there = _listed(world, target, prefix, region)
    wanted = {key: each for key, each in here.items() if key not in there or not _same(each, there[key])}
    for key, each in wanted.items():
        _refuse_too_large(key, each)
        if key in there and there[key]["LastModified"] > each["LastModified"]:
            raise PermanentError(
                f"{key} was written to {target} after it was written to {source}",
                do="decide by hand which of the two is right, and remove the other",
            )
    return {key: each["ETag"] for key, each in wanted.items()}


def undelete(world: World, bucket: str, since: datetime, *, prefix: str = "", region: str | None = None) -> int:
    """Bring back every object deleted since ``since`` (UTC) whose versions are still there, and return how many.

    What was deleted with its version is gone for good, and what was overwritten is not touched.
    """
    _refuse_unversioned(world, bucket, region)
    with calling(f"look for what was deleted from {bucket}"):
        markers = {
            each["Key"]: each["VersionId"]
            for each in _versions(session_of(world).client("s3", region), bucket, prefix)
            if "ETag" not in each and each["IsLatest"] and each["LastModified"] >= since
        }
    keys = list(markers)
    for start in range(0, len(keys), _BATCH):
        chosen = {key: markers[key] for key in keys[start : start + _BATCH]}
        make(world, Undeleted, UndeletedSettings(bucket=bucket, markers=chosen, region=region))
    return len(keys)


def _listed(world: World, bucket: str, prefix: str, region: str | None) -> dict[str, dict[str, Any]]:
    with calling(f"list the objects of {bucket}"):
        pages = session_of(world).client("s3", region).get_paginator("list_objects_v2")
        return {
            each["Key"]: each
            for page in pages.paginate(Bucket=bucket, Prefix=prefix)
            for each in page.get("Contents", [])
        }


def _versions(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Versions", [])
        yield from page.get("DeleteMarkers", [])


def _same(here: dict[str, Any], there: dict[str, Any]) -> bool:
    if here["ETag"] == there["ETag"]:
        return True
    in_parts = "-" in here["ETag"] or "-" in there["ETag"]
    return in_parts and here["Size"] == there["Size"] and here["LastModified"] <= there["LastModified"]


def _refuse_too_large(key: str, found: dict[str, Any]) -> None:
    if found["Size"] > LARGEST:
        raise PermanentError(
            f"{key} has {found['Size']} bytes, more than S3 copies at once",
            code="InvalidRequest",
            do="copy it by hand (aws s3 cp copies in parts), then run the step again",
        )


def _refuse_unversioned(world: World, bucket: str, region: str | None) -> None:
    with calling(f"read the versioning of {bucket}"):
        status = session_of(world).client("s3", region).get_bucket_versioning(Bucket=bucket).get("Status")
    if status != "Enabled":
        raise PermanentError(
            f"the bucket {bucket} keeps no versions, so nothing in it could be brought back",
            do="turn its versioning on, as replication needs it anyway",
        )


def _all_at_once(call: Callable[[str], T], keys: list[str]) -> list[T]:
    """What ``call`` says of each key, some at a time; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(copy_context().run, call, key) for key in keys]
        return [future.result() for future in futures]
