"""S3 replication inside this process, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.s3.exceptions import MalformedXML, S3ClientError
from moto.s3.models import FakeDeleteMarker, S3Backend, s3_backends

from drillbook.clock import VirtualClock
from drillbook.embedded.domains import Failures
from drillbook.embedded.objects import delivery
from drillbook.embedded.objects.outbox import outboxes, status_of
from drillbook.embedded.objects.plane import Objects
from drillbook.embedded.objects.rules import InvalidArgument, InvalidRequest, described, refuse_malformed
from drillbook.embedded.planes import CloudState

ACCOUNT, A, B = "111122223333", "us-east-1", "us-west-2"
APART = Failures(partitions=frozenset({frozenset({A, B})}))


class World:
    """Buckets ``aaa`` in one region and ``bbb`` in another."""

    def __init__(self) -> None:
        self.clock, self.plane = VirtualClock(), Objects()
        self.cloud = CloudState(ACCOUNT, "http://127.0.0.1:1", 1.0, self.clock, Path("unused"))
        self.plane.install(self.cloud)
        self.s3: S3Backend = s3_backends[ACCOUNT]["aws"]
        for name, region in (("aaa", A), ("bbb", B)):
            self.s3.create_bucket(name, region)
            self.s3.put_bucket_versioning(name, "Enabled")

    def close(self) -> None:
        self.plane.close()
        self.s3.reset()

    def replicate(self, source: str = "aaa", target: str = "bbb", **more: Any) -> None:
        self.s3.put_bucket_replication(source, {"Role": "r", "Rule": rule(target) | more})

    def put(self, name: str, value: bytes = b"x", bucket: str = "aaa") -> Any:
        self.clock.sleep(0.001)
        return self.s3.put_object(bucket, name, value)

    def pass_by(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.plane.deliver()

    def versions(self, bucket: str, name: str) -> list[str]:
        return [version.version_id for version in self.s3.get_bucket(bucket).keys.getlist(name, [])]


def rule(target: str = "bbb", **more: Any) -> dict[str, Any]:
    return {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": None},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    } | more


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def test_an_object_arrives_after_the_delay_of_the_link(world: World) -> None:
    world.cloud.links.become({f"s3:{A}|{B}": 10})
    world.replicate()
    key = world.put("k")
    world.pass_by(9.9)
    assert (world.versions("bbb", "k"), status_of(key)) == ([], "PENDING")
    world.pass_by(0.2)
    assert (world.versions("bbb", "k"), status_of(key)) == ([key.version_id], "COMPLETED")


def test_two_threads_that_deliver_at_once_deliver_each_version_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed, others = list[str](), list[Future[float | None]]()

    def place(*wanted: Any) -> None:
        placed.append(wanted[1].name)
        if len(placed) == 1:
            others.append(pool.submit(world.plane.deliver))
            wait(others, 0.2)
        really_place(*wanted)

    really_place = delivery.place
    monkeypatch.setattr(delivery, "place", place)
    world.cloud.domains.become(APART)
    world.replicate()
    with ThreadPoolExecutor(1) as pool:
        world.put("one")
        world.put("two")
        world.cloud.domains.heal()
        world.pass_by(1)
    assert (placed, others[0].result()) == (["one", "two"], None)


def test_a_source_that_is_deleted_for_good_meanwhile_is_not_replicated(world: World) -> None:
    world.replicate()
    key = world.put("k")
    world.s3.delete_object("aaa", "k", version_id=key.version_id)
    world.pass_by(1)
    assert world.versions("bbb", "k") == []


def test_a_destination_that_is_gone_fails_the_replication(world: World) -> None:
    world.replicate()
    key = world.put("k")
    world.s3.delete_bucket("bbb")
    world.pass_by(1)
    assert status_of(key) == "FAILED"
    assert not any(outboxes(world.s3.get_bucket("aaa")).values())


def test_objects_with_a_kms_key_are_replicated_only_with_another(world: World) -> None:
    world.replicate()
    plain = world.s3.put_object("aaa", "k", b"x", encryption="aws:kms", kms_key_id="one")
    assert status_of(plain) is None
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    target = {"Bucket": "arn:aws:s3:::bbb", "EncryptionConfiguration": {"ReplicaKmsKeyID": "two"}}
    world.replicate(SourceSelectionCriteria=criteria, Destination=target)
    world.s3.put_object("aaa", "k", b"x", encryption="aws:kms", kms_key_id="one")
    world.pass_by(1)
    assert world.s3.get_bucket("bbb").keys["k"].kms_key_id == "two"


def test_a_rule_may_choose_the_storage_class(world: World) -> None:
    world.replicate(Destination={"Bucket": "arn:aws:s3:::bbb", "StorageClass": "STANDARD_IA"})
    world.put("k")
    world.pass_by(1)
    assert world.s3.get_bucket("bbb").keys["k"].storage_class == "STANDARD_IA"


def test_of_two_rules_for_one_destination_the_higher_priority_counts(world: World) -> None:
    low = rule(ID="low", Priority=1, Destination={"Bucket": "arn:aws:s3:::bbb", "StorageClass": "GLACIER"})
    high = rule(ID="high", Priority=2, Destination={"Bucket": "arn:aws:s3:::bbb", "StorageClass": "STANDARD_IA"})
    world.s3.put_bucket_replication("aaa", {"Role": "r", "Rule": [low, high]})
    world.put("k")
    world.pass_by(1)
    [copy] = world.s3.get_bucket("bbb").keys.getlist("k")
    assert copy.storage_class == "STANDARD_IA"


def test_a_replica_outlives_its_source(world: World) -> None:
    world.replicate()
    key = world.put("k", b"precious")
    world.pass_by(1)
    world.s3.delete_object("aaa", "k", version_id=key.version_id)
    assert world.s3.get_bucket("bbb").keys["k"].value == b"precious"


def test_a_dark_region_keeps_what_it_had_not_sent(world: World) -> None:
    world.replicate()
    key = world.put("k")
    world.cloud.domains.become(Failures(regions=frozenset({A})))
    world.pass_by(3600)
    assert world.versions("bbb", "k") == []
    world.cloud.domains.heal()
    world.pass_by(1)
    assert world.versions("bbb", "k") == [key.version_id]


WRITES = st.tuples(st.sampled_from(["put", "delete"]), st.sampled_from(["aaa", "bbb"]), st.sampled_from("xy"))
BREAKS = st.tuples(st.sampled_from(["cut", "mend", "wait"]), st.just(""), st.just(""))


@settings(deadline=None, max_examples=30)
@given(story=st.lists(WRITES | BREAKS, max_size=20))
def test_two_buckets_hold_the_same_versions_once_the_link_is_mended(story: list[tuple[str, str, str]]) -> None:
    world = World()
    try:
        world.replicate("aaa", "bbb")
        world.replicate("bbb", "aaa")
        for what, bucket, name in story:
            world.clock.sleep(0.01)
            if what == "put":
                world.put(name, bucket=bucket)
            elif what == "delete":
                world.s3.delete_object(bucket, name)
            elif what == "wait":
                world.pass_by(1)
            else:
                world.cloud.domains.become(APART if what == "cut" else Failures())
        world.cloud.domains.heal()
        world.pass_by(1)
        for name in "xy":
            kinds = [type(one) is FakeDeleteMarker for one in world.s3.get_bucket("aaa").keys.getlist(name, [])]
            others = [type(one) is FakeDeleteMarker for one in world.s3.get_bucket("bbb").keys.getlist(name, [])]
            assert sorted(world.versions("aaa", name)) == sorted(world.versions("bbb", name))
            assert sorted(kinds) == sorted(others)
    finally:
        world.close()


@pytest.mark.parametrize(
    ("configuration", "error"),
    [
        ({"Role": "r"}, MalformedXML),
        ({"Rule": rule()}, MalformedXML),
        ({"Role": "r", "Rule": rule(Status="On")}, MalformedXML),
        ({"Role": "r", "Rule": rule(Destination={})}, MalformedXML),
        ({"Role": "r", "Rule": rule(Destination={"Bucket": "bbb"})}, InvalidArgument),
        ({"Role": "r", "Rule": [rule(), rule(Priority=2)]}, InvalidArgument),
        ({"Role": "r", "Rule": [rule(), rule(ID="two")]}, InvalidRequest),
        ({"Role": "r", "Rule": rule(Filter={"Tag": {"Key": "k", "Value": "v"}})}, InvalidRequest),
    ],
)
def test_a_malformed_configuration_is_refused(configuration: dict[str, Any], error: type[S3ClientError]) -> None:
    with pytest.raises(error):
        refuse_malformed(configuration)


def test_a_rule_of_the_first_version_needs_no_more_than_a_prefix(world: World) -> None:
    given = {"ID": "v1", "Status": "Enabled", "Prefix": "k", "Destination": {"Bucket": "arn:aws:s3:::bbb"}}
    world.s3.put_bucket_replication("aaa", {"Role": "r", "Rule": dict(given)})
    world.put("k")
    world.s3.delete_object("aaa", "k")
    world.put("other")
    world.pass_by(1)
    assert (len(world.versions("bbb", "k")), world.versions("bbb", "other")) == (2, [])
    told = described(world.s3.get_bucket_replication("aaa") or {})
    assert told["Rules"][0].items() >= given.items()
