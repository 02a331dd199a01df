"""Global tables: what replicas have of one another, when, and who wins."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.core.exceptions import JsonRESTError

from drillbook.embedded.dynamodb import replicas
from drillbook.embedded.dynamodb.expiry import expire_everywhere
from drillbook.embedded.metrics.store import Series, dimensions, store_of

A, B, C = "us-east-1", "us-west-2", "eu-west-1"
REGIONS = (A, B, C)


@pytest.fixture
def pair(world: Any) -> Any:
    world.create(A)
    world.replicate(A, B)
    return world


def replica_statuses(world: Any, region: str) -> dict[str, str]:
    described = world.region(region).table("orders").describe()["TableDescription"]
    return {one["RegionName"]: one["ReplicaStatus"] for one in described.get("Replicas", [])}


def status(world: Any, region: str) -> str:
    return str(world.region(region).table("orders").describe()["TableDescription"]["TableStatus"])


# Filling a new replica


def test_a_new_replica_is_filled_before_it_is_active(world: Any) -> None:
    world.create(A)
    world.put(A, "1", "old")
    replicas.update(world.region(A), "orders", [{"Create": {"RegionName": B}}])
    assert (replica_statuses(world, A), status(world, A)) == ({B: "CREATING"}, "UPDATING")
    assert (replica_statuses(world, B), status(world, B)) == ({A: "ACTIVE"}, "CREATING")
    with pytest.raises(JsonRESTError, match="not found"):
        world.region(B).get_item("orders", {"id": {"S": "1"}})
    world.put(A, "2", "written meanwhile")
    world.pass_by(0.3)
    assert (replica_statuses(world, A), status(world, A), status(world, B)) == ({B: "ACTIVE"}, "ACTIVE", "ACTIVE")
    assert world.content(B) == world.content(A)


def test_a_replica_that_cannot_be_reached_stays_creating(world: Any) -> None:
    world.create(A)
    world.put(A, "1", "old")
    world.cut((A, B))
    replicas.update(world.region(A), "orders", [{"Create": {"RegionName": B}}])
    world.pass_by(3600)
    assert replica_statuses(world, A) == {B: "CREATING"}
    with pytest.raises(JsonRESTError, match="still in use"):
        world.region(A).delete_table("orders")
    world.cut()
    world.pass_by(0.3)
    assert world.content(B) == {"1": {"value": "old"}}


def test_a_third_replica_gets_what_is_under_way_between_the_others(pair: Any) -> None:
    pair.put(B, "from b", "1")
    pair.put(A, "gone", "1")
    pair.region(A).delete_item("orders", {"id": {"S": "gone"}})
    pair.put(B, "gone", "before it was deleted?")
    pair.replicate(A, C)
    assert pair.content(A) == pair.content(B) == pair.content(C)
    assert "from b" in pair.content(C)


# Replicating


def test_a_write_arrives_after_the_delay_of_the_link(pair: Any) -> None:
    pair.cloud.links.become({f"dynamodb:{A}|{B}": 5})
    pair.put(A, "1", "new")
    pair.pass_by(4.9)
    assert pair.content(B) == {}
    pair.pass_by(0.2)
    assert pair.content(B) == {"1": {"value": "new"}}


def test_the_write_with_the_later_timestamp_wins_everywhere(pair: Any) -> None:
    pair.put(A, "1", "first")
    pair.clock.sleep(0.05)
    pair.put(B, "1", "last")
    pair.pass_by(1)
    assert pair.content(A) == pair.content(B) == {"1": {"value": "last"}}


def test_a_write_over_what_was_seen_wins_even_at_the_same_instant(pair: Any) -> None:
    pair.put(B, "1", "b")
    pair.pass_by(1)
    pair.put(A, "1", "a, which has seen b")
    pair.pass_by(1)
    assert pair.content(A) == pair.content(B) == {"1": {"value": "a, which has seen b"}}


def test_a_deletion_wins_over_an_earlier_write_that_arrives_later(pair: Any) -> None:
    pair.put(A, "1", "x")
    pair.pass_by(1)
    pair.cut((A, B))
    pair.put(A, "1", "y")
    pair.clock.sleep(1)
    pair.region(B).delete_item("orders", {"id": {"S": "1"}})
    pair.cut()
    pair.pass_by(1)
    assert pair.content(A) == pair.content(B) == {}


def test_what_a_dark_region_had_not_sent_arrives_when_it_is_back(pair: Any) -> None:
    pair.put(A, "1", "sent in time")
    pair.pass_by(0.25)
    pair.put(A, "2", "under way")
    pair.clock.sleep(0.1)
    pair.cut(dark=(A,))
    pair.pass_by(1000)
    assert set(pair.content(B)) == {"1"}
    pair.put(B, "3", "written in the other region")
    pair.cut()
    pair.pass_by(0.1)
    assert set(pair.content(B)) == {"1", "3"}
    pair.pass_by(0.2)
    assert pair.content(A) == pair.content(B)
    assert set(pair.content(A)) == {"1", "2", "3"}


def test_replicated_writes_are_in_the_history_and_the_stream_of_the_replica(pair: Any) -> None:
    pair.region(B).update_continuous_backups("orders", {"PointInTimeRecoveryEnabled": True})
    pair.put(A, "1", "good")
    pair.pass_by(1)
    good = pair.clock.now().timestamp()
    pair.pass_by(1)
    pair.put(A, "1", "bad")
    pair.pass_by(400)
    pair.region(B).restore_as_of("restored", "orders", good, {})
    assert pair.content(B, "restored") == {"1": {"value": "good"}}
    records = [entry.record for entry in pair.region(B).table("orders").stream_shard.items]
    assert [(record["eventName"], record["awsRegion"]) for record in records] == [("INSERT", B), ("MODIFY", B)]


def test_what_time_to_live_deletes_is_deleted_in_the_replicas(pair: Any) -> None:
    pair.region(A).update_time_to_live("orders", {"Enabled": True, "AttributeName": "expires"})
    now = int(pair.clock.now().timestamp())
    pair.region(A).put_item("orders", {"id": {"S": "1"}, "expires": {"N": str(now)}})
    pair.pass_by(86_400 * 2 + 1)
    assert pair.region(B).table("orders").ttl["AttributeName"] == "expires"
    pair.cut((A, B))
    assert expire_everywhere(pair.cloud) == 2
    pair.cut()
    pair.pass_by(1)
    assert pair.content(A) == pair.content(B) == {}


def test_a_replica_that_is_being_filled_expires_nothing(world: Any) -> None:
    world.create(A)
    world.region(A).update_time_to_live("orders", {"Enabled": True, "AttributeName": "expires"})
    world.region(A).put_item("orders", {"id": {"S": "1"}, "expires": {"N": str(int(world.clock.now().timestamp()))}})
    replicas.update(world.region(A), "orders", [{"Create": {"RegionName": B}}])
    world.cut((A, B))
    world.clock.sleep(86_400 * 2 + 1)
    assert expire_everywhere(world.cloud) == 1
    world.cut()
    world.pass_by(1)
    assert world.content(A) == world.content(B) == {}


def test_the_stream_of_a_replicated_table_stays(pair: Any) -> None:
    unchanged = dict.fromkeys(("attr_definitions", "global_index", "throughput", "billing_mode", "warm_throughput"))
    with pytest.raises(JsonRESTError, match="stream of a table with replicas"):
        pair.region(A).update_table(
            "orders", **unchanged, stream_spec={"StreamEnabled": False}, deletion_protection_enabled=None
        )


def test_nothing_expires_in_a_dark_region(pair: Any) -> None:
    pair.region(A).update_time_to_live("orders", {"Enabled": True, "AttributeName": "expires"})
    pair.region(A).put_item("orders", {"id": {"S": "1"}, "expires": {"N": str(int(pair.clock.now().timestamp()))}})
    pair.clock.sleep(86_400 * 2 + 1)
    pair.cut(dark=(A, B))
    assert expire_everywhere(pair.cloud) == 0


def test_the_items_of_a_transaction_all_arrive(pair: Any) -> None:
    puts = [{"Put": {"TableName": "orders", "Item": {"id": {"S": str(n)}}}} for n in range(3)]
    pair.region(A).transact_write_items(puts)
    pair.pass_by(1)
    assert set(pair.content(B)) == {"0", "1", "2"}


def test_a_failed_transaction_sends_nothing(pair: Any) -> None:
    fails = {"Key": {"id": {"S": "9"}}, "ConditionExpression": "attribute_exists(id)", "TableName": "orders"}
    with pytest.raises(JsonRESTError):
        pair.region(A).transact_write_items(
            [{"Put": {"TableName": "orders", "Item": {"id": {"S": "1"}}}}, {"Delete": fails}]
        )
    assert pair.group(A).pending == 0
    pair.put(A, "2", "after it")
    pair.pass_by(1)
    assert set(pair.content(B)) == {"2"}


def test_the_latency_is_a_metric_of_the_sending_region(pair: Any) -> None:
    pair.put(A, "1", "x")
    at = pair.clock.now().timestamp()
    pair.pass_by(0.3)
    named = dimensions({"TableName": "orders", "ReceivingRegion": B})
    store = store_of(pair.cloud)
    series = Series("111122223333", A, "AWS/DynamoDB", "ReplicationLatency", named)
    assert store.between(series, store.tick(at), store.tick(at + 2)) == pytest.approx([300])


def test_timestamps_are_forgotten_when_all_agree(pair: Any) -> None:
    pair.put(A, "1", "x")
    assert pair.group(A).replicas[A].stamps
    pair.pass_by(1)
    assert not any(replica.stamps for replica in pair.group(A).replicas.values())


def test_a_backup_of_a_replica_is_no_replica(pair: Any) -> None:
    pair.put(A, "1", "x")
    backup = pair.region(A).create_backup("orders", "b")
    restored = pair.region(A).restore_backup("restored", backup.arn, {})
    assert backup.table.replication is None
    assert restored.replication is None


# Settings


def test_shared_settings_follow_and_own_settings_stay(pair: Any) -> None:
    everything = dict.fromkeys(
        ("attr_definitions", "global_index", "throughput", "billing_mode", "stream_spec", "warm_throughput")
    )
    units = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
    settings = {"billing_mode": "PROVISIONED", "throughput": dict(units), "deletion_protection_enabled": True}
    pair.cut((A, B))
    pair.region(A).update_table("orders", **everything | settings)
    pair.pass_by(60)
    assert pair.region(B).table("orders").billing_mode == "PAY_PER_REQUEST"
    pair.cut()
    pair.pass_by(1)
    assert pair.region(B).table("orders").throughput.items() >= units.items()
    assert not pair.region(B).table("orders").deletion_protection_enabled
    replicas.update(
        pair.region(A),
        "orders",
        [{"Update": {"RegionName": B, "ProvisionedThroughputOverride": {"ReadCapacityUnits": 99}}}],
    )
    pair.pass_by(1)
    assert pair.region(B).table("orders").throughput["ReadCapacityUnits"] == 99
    assert pair.region(A).table("orders").throughput["ReadCapacityUnits"] == 7


# Leaving


def test_a_deleted_replica_sends_what_it_has_before_it_goes(pair: Any) -> None:
    pair.put(B, "1", "written just before")
    pair.region(B).delete_table("orders")
    assert (replica_statuses(pair, A), status(pair, B)) == ({B: "DELETING"}, "DELETING")
    pair.pass_by(1)
    assert "orders" not in pair.region(B).tables
    assert pair.content(A) == {"1": {"value": "written just before"}}
    assert pair.region(A).table("orders").replication is None


def test_a_dark_replica_is_deleted_when_it_is_back(pair: Any) -> None:
    pair.cut(dark=(B,))
    replicas.update(pair.region(A), "orders", [{"Delete": {"RegionName": B}}])
    pair.pass_by(60)
    assert replica_statuses(pair, A) == {B: "DELETING"}
    pair.cut()
    pair.pass_by(1)
    assert "orders" not in pair.region(B).tables
    assert replica_statuses(pair, A) == {}


def test_the_source_of_a_replica_stays_for_a_day(pair: Any) -> None:
    with pytest.raises(JsonRESTError, match="acted as a source region"):
        pair.region(A).delete_table("orders")
    pair.pass_by(86_400)
    pair.region(A).delete_table("orders")
    pair.pass_by(1)
    assert "orders" not in pair.region(A).tables
    pair.region(B).delete_table("orders")
    assert "orders" not in pair.region(B).tables


def test_a_protected_replica_is_not_deleted_from_afar(pair: Any) -> None:
    pair.region(B).table("orders").deletion_protection_enabled = True
    with pytest.raises(JsonRESTError, match="protected against deletion"):
        replicas.update(pair.region(A), "orders", [{"Delete": {"RegionName": B}}])


# Refusals


@pytest.mark.parametrize(
    ("update", "why"),
    [
        ({"Create": {"RegionName": A}}, "local region"),
        ({"Create": {"RegionName": B}}, "already existed as tables"),
        ({"Create": {"RegionName": "mars-north-1"}}, "not a supported region"),
        ({"Delete": {"RegionName": C}}, "was not found"),
        ({"Update": {"RegionName": C}}, "was not found"),
        ({"Update": {"RegionName": B}}, "changes nothing"),
        ({}, "exactly one of"),
    ],
)
def test_impossible_updates_are_refused(pair: Any, update: dict[str, Any], why: str) -> None:
    with pytest.raises(JsonRESTError, match=why) as refused:
        replicas.update(pair.region(A), "orders", [update])
    assert refused.value.code == 400


def test_a_table_without_the_right_stream_gets_no_replica(world: Any) -> None:
    world.create(A, streams={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    with pytest.raises(JsonRESTError, match="NEW_AND_OLD_IMAGES"):
        world.replicate(A, B)


def test_provisioned_writes_must_be_auto_scaled(world: Any) -> None:
    world.create(A, billing_mode="PROVISIONED", throughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    with pytest.raises(JsonRESTError, match="Pay-Per-Request or AutoScaled"):
        world.replicate(A, B)
    from moto.applicationautoscaling.models import applicationautoscaling_backends

    scaling = applicationautoscaling_backends["111122223333"][A]
    scaling.register_scalable_target("dynamodb", "table/orders", "dynamodb:table:WriteCapacityUnits", 5, 9, "", "")
    world.replicate(A, B)
    assert replica_statuses(world, A) == {B: "ACTIVE"}
    scaling.deregister_scalable_target("dynamodb", "table/orders", "dynamodb:table:WriteCapacityUnits")


# Convergence

KEYS = st.sampled_from("123")
WRITES = st.tuples(st.sampled_from(["put", "delete", "update", "transact"]), st.sampled_from(REGIONS), KEYS)
CUTS = st.tuples(st.just("cut"), st.sampled_from([(A, B), (A, C), (B, C)]), st.booleans())
DARK = st.tuples(st.just("darken"), st.sampled_from(REGIONS), st.booleans())
WAITS = st.tuples(st.just("wait"), st.sampled_from([0.0, 0.1, 0.25, 1.0]), st.none())
STORIES = st.lists(WRITES | CUTS | DARK | WAITS, max_size=40)
Story = list[tuple[str, Any, Any]]


class Teller:
    """Lives through a story, in which every write has a number of its own."""

    def __init__(self, world: Any) -> None:
        self.world, self.count = world, 0
        self.cuts: set[tuple[str, str]] = set()
        self.dark: set[str] = set()

    def live(self, story: Story) -> None:
        for what, where, which in story:
            self.count += 1
            getattr(self, what)(where, which)

    def put(self, region: str, key: str) -> None:
        self.world.put(region, key, str(self.count))

    def delete(self, region: str, key: str) -> None:
        self.world.region(region).delete_item("orders", {"id": {"S": key}})

    def update(self, region: str, key: str) -> None:
        named, valued = {"#v": "value"}, {":v": {"S": str(self.count)}}
        self.world.region(region).update_item("orders", {"id": {"S": key}}, "SET #v = :v", named, valued)

    def transact(self, region: str, key: str) -> None:
        items = [{"id": {"S": one}, "value": {"S": str(self.count)}} for one in (key, "t")]
        puts = [{"Put": {"TableName": "orders", "Item": item}} for item in items]
        self.world.region(region).transact_write_items(puts)

    def cut(self, link: tuple[str, str], broken: bool) -> None:
        (self.cuts.add if broken else self.cuts.discard)(link)
        self.world.cut(*self.cuts, dark=tuple(self.dark))

    def darken(self, region: str, broken: bool) -> None:
        (self.dark.add if broken else self.dark.discard)(region)
        self.world.cut(*self.cuts, dark=tuple(self.dark))

    def wait(self, seconds: float, _: None) -> None:
        self.world.pass_by(seconds)


def check_convergence(new_world: Callable[..., AbstractContextManager[Any]], story: Story) -> None:
    with new_world() as world:
        world.create(A)
        world.replicate(A, B, C)
        Teller(world).live(story)
        world.cut()
        world.pass_by(1)
        assert world.content(A) == world.content(B) == world.content(C)
        assert world.group(A).pending == 0


def check_restores(new_world: Callable[..., AbstractContextManager[Any]], story: Story, moment: int) -> None:
    """A replica restored as of an instant holds what it held then, whoever had written it where."""
    with new_world() as world:
        world.create(A)
        world.replicate(A, B, C)
        world.region(B).update_continuous_backups("orders", {"PointInTimeRecoveryEnabled": True})
        teller, truth = Teller(world), []
        for event in [("wait", 0.0, None), *story]:
            world.clock.sleep(1)
            teller.live([event])
            world.pass_by(0)
            truth.append((world.clock.now().timestamp(), world.content(B)))
        world.clock.sleep(301)
        at, expected = truth[moment % len(truth)]
        world.region(B).restore_as_of("restored", "orders", at + 0.5, {})
        assert world.content(B, "restored") == expected


@settings(deadline=None, max_examples=20)
@given(story=STORIES, moment=st.integers(0, 100))
def test_a_replica_restored_to_an_instant_holds_what_it_held_then(
    new_world: Callable[..., AbstractContextManager[Any]], story: Story, moment: int
) -> None:
    check_restores(new_world, story, moment)


@pytest.mark.slow
@settings(deadline=None, max_examples=500)
@given(story=STORIES, moment=st.integers(0, 100))
def test_any_replica_of_five_hundred_stories_is_restored_to_an_instant(
    new_world: Callable[..., AbstractContextManager[Any]], story: Story, moment: int
) -> None:
    check_restores(new_world, story, moment)


@settings(deadline=None, max_examples=30)
@given(story=STORIES)
def test_all_replicas_agree_once_all_links_are_mended(
    new_world: Callable[..., AbstractContextManager[Any]], story: Story
) -> None:
    check_convergence(new_world, story)


@pytest.mark.slow
@settings(deadline=None, max_examples=1000)
@given(story=STORIES)
def test_all_replicas_agree_after_any_of_a_thousand_stories(
    new_world: Callable[..., AbstractContextManager[Any]], story: Story
) -> None:
    check_convergence(new_world, story)
