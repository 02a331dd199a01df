"""The calls and headers of S3 that tell and set how a bucket replicates."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import (
    MalformedXML,
    MissingBucket,
    NoSuchUpload,
    ReplicationConfigurationNotFoundError,
    S3ClientError,
)
from moto.s3.exceptions import VersioningNotEnabledForReplication as SourceNotVersioned
from moto.s3.models import FakeKey, S3Backend
from moto.s3.responses import S3Response

from drillbook.embedded.objects.outbox import status_of
from drillbook.embedded.objects.rules import InvalidRequest, described, destinations, refuse_malformed

Call = Callable[..., Any]


LONGEST_KEY = 1024
"""Bytes."""


class KeyTooLong(S3ClientError):
    code = "KeyTooLongError"


class InvalidBucketState(S3ClientError):
    code = "InvalidBucketState"


def put_bucket_replication(real: Call) -> Call:
    """Both buckets must exist and be versioned.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html
    """

    @wraps(real)
    def put(backend: S3Backend, bucket_name: str, replication: dict[str, Any]) -> None:
        if not backend.get_bucket(bucket_name).is_versioned:
            raise SourceNotVersioned(bucket_name)
        refuse_malformed(replication)
        for name in destinations(replication):
            _refuse_destination(backend, name)
        real(backend, bucket_name, replication)

    return put


def _refuse_destination(backend: S3Backend, name: str) -> None:
    try:
        versioned = backend.get_bucket(name).is_versioned
    except MissingBucket:
        raise InvalidRequest("Destination bucket must exist.") from None
    if not versioned:
        raise InvalidRequest("Destination bucket must have versioning enabled.")


def put_bucket_versioning(real: Call) -> Call:
    @wraps(real)
    def put(backend: S3Backend, bucket_name: str, status: str) -> None:
        if status not in ("Enabled", "Suspended"):
            raise MalformedXML
        if status != "Enabled" and getattr(backend.get_bucket(bucket_name), "replication", None):
            raise InvalidBucketState(
                "A replication configuration is present on this bucket, so the versioning state cannot be changed."
            )
        real(backend, bucket_name, status)

    return put


def put_object(real: Call) -> Call:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

    @wraps(real)
    def put(backend: S3Backend, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> FakeKey:
        if len(key_name.encode()) > LONGEST_KEY:
            raise KeyTooLong("Your key is too long")
        key: FakeKey = real(backend, bucket_name, key_name, *args, **kwargs)
        return key

    return put


def of_known_upload(real: Call) -> Call:
    """An operation on a multipart upload, which must have been begun and not be completed or aborted."""

    @wraps(real)
    def call(backend: S3Backend, bucket_name: str, multipart_id: str, *args: Any, **kwargs: Any) -> Any:
        if multipart_id not in backend.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return real(backend, bucket_name, multipart_id, *args, **kwargs)

    return call


def bucket_response(real: Call) -> Call:
    """moto answers errors that it has no model of with 400; this one is a conflict.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """

    @wraps(real)
    def respond(response: S3Response, request: Any, full_url: str) -> Any:
        try:
            return real(response, request, full_url)
        except InvalidBucketState as error:
            _, headers, body = response.serialized(ActionResult(error))
            return 409, headers, body

    return respond


def get_bucket_replication(response: S3Response) -> Any:
    response.data["Action"] = "GetBucketReplication"
    configuration = response.backend.get_bucket_replication(response.bucket_name)
    if not configuration:
        raise ReplicationConfigurationNotFoundError(bucket_name=response.bucket_name)
    return response.serialized(ActionResult({"ReplicationConfiguration": described(configuration)}))


def response_dict(real: property) -> property:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html"""

    def headers(key: FakeKey) -> dict[str, Any]:
        told: dict[str, Any] = real.fget(key)  # type: ignore[misc]
        if status := status_of(key):
            told["x-amz-replication-status"] = status
        return told

    return property(headers)
