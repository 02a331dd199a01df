"""What a bucket has not yet replicated. It is kept with the bucket, so that it survives the darkness of its region.

Instants are UTC seconds since the epoch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from moto.s3.models import FakeBucket, FakeKey

from drillbook.embedded.objects.replica import REPLICA, Version, mark, marked, tags_of
from drillbook.embedded.objects.rules import Rule, enabled_rules

PENDING, COMPLETED, FAILED = "PENDING", "COMPLETED", "FAILED"


@dataclass(frozen=True)
class Parcel:
    """A new version, or the changed tags of an old one, for one destination."""

    version: Version
    rule: Rule
    sent: float
    retagged: bool = False

    @property
    def size(self) -> int:
        return self.version.size if isinstance(self.version, FakeKey) and not self.retagged else 0


def outboxes(bucket: FakeBucket) -> dict[str, deque[Parcel]]:
    """By destination, in the order of writing."""
    found: dict[str, deque[Parcel]] = bucket.__dict__.setdefault("outboxes", {})
    return found


def send(bucket: FakeBucket, version: Version, at: float) -> bool:
    """Have a new version replicated as the bucket's rules say. True if any covers it.

    Replicas are not replicated again, nor are the objects that were there before the rules.
    """
    if not bucket.is_versioned or marked(version) == REPLICA:
        return False
    rules = list(_covering(bucket, version))
    if isinstance(version, FakeKey) and rules:
        mark(version, dict.fromkeys((rule.destination for rule in rules), PENDING))
    for rule in rules:
        outboxes(bucket).setdefault(rule.destination, deque()).append(Parcel(version, rule, at))
    return bool(rules)


def send_tags(bucket: FakeBucket, key: FakeKey, at: float) -> bool:
    """Have the new tags of a version that was replicated follow it; what is still to be sent takes them along."""
    stands = marked(key)
    rules = [rule for rule in _rules(bucket) if isinstance(stands, dict) and stands.get(rule.destination) == COMPLETED]
    for rule in rules:
        settle(key, rule, PENDING)
        outboxes(bucket).setdefault(rule.destination, deque()).append(Parcel(key, rule, at, retagged=True))
    return bool(rules)


def status_of(key: FakeKey) -> str | None:
    """What GetObject tells: FAILED or PENDING if it is so for any destination; REPLICA for a copy."""
    told = marked(key)
    if not isinstance(told, dict):
        return told
    return next((one for one in (FAILED, PENDING) if one in told.values()), COMPLETED)


def settle(key: Version, rule: Rule, status: str) -> None:
    if isinstance(stands := marked(key), dict):
        stands[rule.destination] = status


def _covering(bucket: FakeBucket, version: Version) -> Iterator[Rule]:
    rules, taken = _rules(bucket), set()
    tags = tags_of(version) if rules and isinstance(version, FakeKey) else {}
    for rule in rules:
        if rule.destination not in taken and rule.covers(version.name, tags) and _carries(rule, version):
            taken.add(rule.destination)
            yield rule


def _carries(rule: Rule, version: Version) -> bool:
    if not isinstance(version, FakeKey):
        return rule.delete_markers
    return version.encryption != "aws:kms" or rule.kms_key is not None


def _rules(bucket: FakeBucket) -> list[Rule]:
    return enabled_rules(getattr(bucket, "replication", None))
