"""Versioned deployment packages in S3, found by the hash Lambda knows them by."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from drillbook.aws.failures import calling
from drillbook.errors import UsageError

if TYPE_CHECKING:
    from drillbook.aws.session import Session


class Artifact(BaseModel):
    """One version of one package. ``version`` is None in a bucket without versioning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bucket: str
    key: str
    version: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}" + (f" (version {self.version})" if self.version else "")

    def as_code(self) -> dict[str, str]:
        """The arguments of Lambda's UpdateFunctionCode and CreateFunction that name this package."""
        code = {"S3Bucket": self.bucket, "S3Key": self.key}
        return {**code, "S3ObjectVersion": self.version} if self.version else code


def artifact_at(place: str) -> Artifact:
    """The package that ``bucket/key`` or ``s3://bucket/key`` names. Raises UsageError if it names none."""
    bucket, _, key = place.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise UsageError(f"{place!r} names no artifact", do="write bucket/key, for example artifacts/current/list.zip")
    return Artifact(bucket=bucket, key=key)


def find(session: Session, region: str | None, at: Artifact, sha256: str) -> Artifact | None:
    """The version at ``at`` whose content hashes to ``sha256`` (base64, as Lambda's CodeSha256), newest first."""
    s3 = session.client("s3", region)
    with calling(f"look for the package {sha256} at {at}"):
        for version in _versions(s3, at):
            if _hash(s3, version) == sha256:
                return version
    return None


def hash_of(session: Session, region: str | None, artifact: Artifact) -> str:
    """The base64 SHA-256 of a package, as Lambda's CodeSha256 gives it. Raises PermanentError if it is not there."""
    with calling(f"read the package {artifact}"):
        return _hash(session.client("s3", region), artifact)


def _versions(s3: Any, at: Artifact) -> list[Artifact]:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=at.bucket, Prefix=at.key)
    found = [each for page in pages for each in page.get("Versions", []) if each["Key"] == at.key]
    newest_first = sorted(found, key=lambda each: (each["IsLatest"], each["LastModified"]), reverse=True)
    return [_version(at, each["VersionId"]) for each in newest_first]


def _version(at: Artifact, version: str) -> Artifact:
    # S3 says "null" for an object written while versioning was off; Lambda takes such an object without a version.
    return at.model_copy(update={"version": None if version == "null" else version})


def _hash(s3: Any, artifact: Artifact) -> str:
    which = {"VersionId": artifact.version} if artifact.version else {}
    answer = s3.get_object(Bucket=artifact.bucket, Key=artifact.key, **which)
    with answer["Body"] as body:
        return base64.b64encode(hashlib.sha256(body.read()).digest()).decode()
