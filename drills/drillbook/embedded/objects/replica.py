"""The copy of an object version or a delete marker in the destination of a replication rule.

A replica has the version ID, the date, the metadata and the tags of its source.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
"""

from __future__ import annotations

import copy

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend, s3_backends

from drillbook.embedded.objects.rules import Rule

Version = FakeKey | FakeDeleteMarker
REPLICA = "REPLICA"


def tags_of(key: FakeKey) -> dict[str, str]:
    tags: dict[str, str] = backend_of(key.account_id).tagger.get_tag_dict_for_resource(key.arn)
    return tags


def backend_of(account: str) -> S3Backend:
    backend: S3Backend = s3_backends[account]["aws"]
    return backend


def marked(key: Version) -> dict[str, str] | str | None:
    """How the replication of a version stands: its status by destination, or REPLICA for a copy; None: not at all."""
    told: dict[str, str] | str | None = vars(key).get("replication")
    return told


def mark(key: FakeKey, told: dict[str, str] | str) -> None:
    vars(key)["replication"] = told


def is_there(bucket: FakeBucket, version: Version) -> bool:
    return any(one.version_id == version.version_id for one in bucket.keys.getlist(version.name, []))


def place(bucket: FakeBucket, version: Version, rule: Rule) -> None:
    """Put a replica of ``version`` into ``bucket``, among the others by its date. Nothing happens if it is there."""
    if is_there(bucket, version):
        return
    made = _object(bucket, version, rule) if isinstance(version, FakeKey) else _marker(bucket, version)
    versions = [*bucket.keys.getlist(version.name, []), made]
    bucket.keys.setlist(version.name, sorted(versions, key=lambda one: one.last_modified))
    if isinstance(version, FakeKey):
        copy_tags(bucket, version)


def copy_tags(bucket: FakeBucket, source: FakeKey) -> None:
    """Give the replica of ``source`` its tags, and no others."""
    for replica in bucket.keys.getlist(source.name, []):
        if isinstance(replica, FakeKey) and replica.version_id == source.version_id:
            tagger = backend_of(bucket.account_id).tagger
            tagger.delete_all_tags_for_resource(replica.arn)
            tagger.tag_resource(replica.arn, tagger.convert_dict_to_tags_input(tags_of(source)))


def _object(bucket: FakeBucket, source: FakeKey, rule: Rule) -> FakeKey:
    source.etag  # noqa: B018 - moto computes it when it is asked for, and the copy must have the same
    made = copy.copy(source)
    made.bucket_name, made.account_id, made.multipart = bucket.name, bucket.account_id, None
    made._metadata = copy.copy(source.metadata)
    made.set_storage_class(rule.storage_class or source.storage_class)
    if source.encryption == "aws:kms":
        made.kms_key_id = rule.kms_key
    mark(made, REPLICA)
    return made


def _marker(bucket: FakeBucket, source: FakeDeleteMarker) -> FakeDeleteMarker:
    made = copy.copy(source)
    made.key = bucket.keys.get(source.name, source.key)
    return made
