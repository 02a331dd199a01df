from __future__ import annotations

from typing import Any

import pytest

from drillbook import service_actions
from drillbook.aws.fingerprint import fingerprint
from drillbook.aws.session import Session, session_of
from drillbook.events import EventKind
from drillbook.service_model import HttpRequest
from drillbook.waiting import wait_for
from drillbook.web import request
from drillbook.world import World

from .conftest import Ask

_WRITES = ("Create", "Put", "Update", "Publish", "Add", "Delete", "Tag")


def test_standing_up_again_changes_nothing(world: World) -> None:
    before = fingerprint(session_of(world))
    seen = len(world.events.events)
    assert service_actions.stand_up(world)["front_door"] == world.values["front_door"]
    assert fingerprint(session_of(world)) == before
    calls = [event.name.split(".")[1] for event in world.events.events[seen:] if event.kind is EventKind.CALL]
    assert [call for call in calls if call.startswith(_WRITES)] == []


def test_every_call_of_the_stand_up_says_so(world: World) -> None:
    service_actions.stand_up(world)
    assert world.events.events[-1].data["actor"] == "stand up"


@pytest.mark.parametrize("lost", ["record", "replica", "time to live", "product"])
def test_what_is_missing_is_made_again(empty_world: World, lost: str) -> None:
    service_actions.stand_up(empty_world)
    session = session_of(empty_world)
    dynamodb, whole, led = session.client("dynamodb"), fingerprint(session), records(session)
    if lost == "record":
        session.client("route53").change_resource_record_sets(
            HostedZoneId=zone(session), ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": led[0]}]}
        )
    elif lost == "replica":
        gone = {"Delete": {"RegionName": "eu-west-1"}}
        dynamodb.update_table(TableName="products", ReplicaUpdates=[gone])
        clock = empty_world.clock
        wait_for("the replica being gone", lambda: replicas(session) == [], timeout=20, clock=clock)
    elif lost == "time to live":
        specification = {"Enabled": False, "AttributeName": "expires_at"}
        dynamodb.update_time_to_live(TableName="products", TimeToLiveSpecification=specification)
    else:
        dynamodb.delete_item(TableName="products", Key={"id": {"S": "seed-048"}})
    service_actions.stand_up(empty_world)
    assert fingerprint(session) == whole
    assert records(session) == led
    assert replicas(session) == ["eu-west-1"]
    found = dynamodb.describe_time_to_live(TableName="products")["TimeToLiveDescription"]
    assert found["AttributeName"] == "expires_at"


def zone(session: Session) -> str:
    (found,) = session.client("route53").list_hosted_zones()["HostedZones"]
    return str(found["Id"])


def records(session: Session) -> list[dict[str, Any]]:
    """Where the names lead."""
    found = session.client("route53").list_resource_record_sets(HostedZoneId=zone(session))["ResourceRecordSets"]
    return [each for each in found if each["Type"] == "A"]


def replicas(session: Session) -> list[str]:
    found = session.client("dynamodb").describe_table(TableName="products")["Table"].get("Replicas", [])
    return [each["RegionName"] for each in found if each["ReplicaStatus"] == "ACTIVE"]


def test_customers_are_led_home_and_the_standby_serves_nothing(world: World, ask: Ask) -> None:
    assert ask("GET", "/products")[0] == 200
    asked = HttpRequest.model_validate({"url": world.fill("{dr_door}/products")})
    assert request.ask(world, asked).status == 403


def test_both_regions_have_the_same_packages(world: World) -> None:
    session = session_of(world)
    kept = [
        {each["Key"]: each["ETag"] for each in session.client("s3", region).list_objects_v2(Bucket=bucket)["Contents"]}
        for region, bucket in (
            ("af-south-1", "product-artifacts-111122223333"),
            ("eu-west-1", "product-artifacts-111122223333-eu-west-1"),
        )
    ]
    assert kept[0] == kept[1]


def test_the_recovery_window_covers_every_product(world: World) -> None:
    backups = session_of(world).client("dynamodb").describe_continuous_backups(TableName="products")
    window = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    stream = session_of(world).client("dynamodbstreams")
    (found,) = stream.list_streams(TableName="products")["Streams"]
    (shard,) = stream.describe_stream(StreamArn=found["StreamArn"])["StreamDescription"]["Shards"]
    first = stream.get_shard_iterator(
        StreamArn=found["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = stream.get_records(ShardIterator=first["ShardIterator"])["Records"]
    assert window["EarliestRestorableDateTime"] <= records[0]["dynamodb"]["ApproximateCreationDateTime"]


def test_the_blast_radius_is_tagged(world: World) -> None:
    session = session_of(world)
    table = session.client("dynamodb").describe_table(TableName="products")["Table"]["TableArn"]
    tags = session.client("dynamodb").list_tags_of_resource(ResourceArn=table)["Tags"]
    assert {"Key": "chaos", "Value": "allowed"} in tags
    function = session.client("lambda").get_function(FunctionName="product-list")
    assert function["Tags"]["chaos"] == "allowed"


def test_the_bucket_keeps_two_builds_of_each_package(world: World) -> None:
    versions = session_of(world).client("s3").list_object_versions(Bucket="product-artifacts-111122223333")["Versions"]
    kept: dict[str, list[str]] = {}
    for version in versions:
        kept.setdefault(version["Key"], []).append(version["ETag"])
    assert len(kept) == 10
    for module in ("list_products", "get_product", "create_product", "update_product", "delete_product"):
        current, previous = kept[f"current/{module}.zip"], kept[f"previous-version/{module}.zip"]
        assert len(set(current)) == 2
        assert previous[0] in current


# -- the application --------------------------------------------------------------------------------------------------


def test_a_product_lives_from_creation_to_deletion(ask: Ask) -> None:
    assert ask("POST", "/products", {"id": "p1", "name": "one", "price": "1.5"}) == (
        201, {"id": "p1", "name": "one", "price": "1.50"},
    )  # fmt: skip
    assert ask("POST", "/products", {"id": "p1", "name": "two", "price": "2"})[0] == 409
    assert ask("PUT", "/products/p1", {"name": "three", "price": 3})[0] == 200
    assert ask("GET", "/products/p1") == (200, {"id": "p1", "name": "three", "price": "3.00"})
    assert "p1" in [each["id"] for each in ask("GET", "/products")[1]["products"]]
    assert ask("DELETE", "/products/p1") == (204, None)
    assert ask("DELETE", "/products/p1")[0] == 404
    assert ask("GET", "/products/p1")[0] == 404
    assert ask("PUT", "/products/p1", {"name": "four", "price": "4"})[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        None, [], {"id": "p2"}, {"id": "p2", "name": "", "price": "1"}, {"id": "p2", "name": "x", "price": "cheap"},
        {"id": "p2", "name": "x", "price": "-1"}, {"id": "p2", "name": "x", "price": "NaN"}, {"name": "x", "price": 1},
        {"id": 7, "name": "x", "price": 1},
    ],
)  # fmt: skip
def test_a_wrong_product_is_the_clients_error(ask: Ask, body: Any) -> None:
    assert ask("POST", "/products", body)[0] == 400
    assert ask("GET", "/products/p2")[0] == 404


def test_one_corrupt_item_breaks_the_list_and_itself_only(world: World, ask: Ask) -> None:
    dynamodb = session_of(world).client("dynamodb")
    dynamodb.put_item(TableName="products", Item={"id": {"S": "bad"}, "name": {"S": "x"}, "price": {"S": "nonsense"}})
    assert ask("GET", "/products")[0] == 502
    assert ask("GET", "/products/bad")[0] == 502
    assert ask("GET", "/products/seed-001")[0] == 200
    dynamodb.delete_item(TableName="products", Key={"id": {"S": "bad"}})
    assert ask("GET", "/products")[0] == 200
