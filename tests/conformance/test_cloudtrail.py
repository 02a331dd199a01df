"""CloudTrail: the calls really made can be looked up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

Client = Callable[..., Any]
_LOOKUP = "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"
_clock = SystemClock()


def found(
    client: Client, endpoint: Any, key: str, value: str, *, events: int = 1, about: str = ""
) -> list[dict[str, Any]]:
    """The events that mention ``about``, once there are so many: CloudTrail is some five minutes behind."""

    def look() -> list[dict[str, Any]]:
        attributes = [{"AttributeKey": key, "AttributeValue": value}]
        history = client("cloudtrail").lookup_events(LookupAttributes=attributes)["Events"]
        return [event for event in history if about in event["CloudTrailEvent"]]

    limit = 10 + endpoint.aws_seconds(300)
    return wait_for(
        f"{events} events with {key} {value}",
        look,
        until=lambda found: len(found) >= events,
        timeout=limit,
        interval=0.1,
        clock=_clock,
    )


def create(client: Client, name: str) -> None:
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture(scope="module", autouse=True)
def calls(client: Client) -> None:
    """All at once, so that the tests wait for CloudTrail only once."""
    for name in ("trail-resource", "trail-regional"):
        create(client, name)
    client("dynamodb").put_item(TableName="trail-resource", Item={"id": {"S": "one"}})
    client("dynamodb").delete_table(TableName="trail-resource")
    with pytest.raises(ClientError):
        client("dynamodb").delete_table(TableName="trail-never-made")
    client("s3").create_bucket(Bucket="trail-bucket")
    client("s3").put_object(Bucket="trail-bucket", Key="key", Body=b"x")
    setting = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "trail-stack", "Type": "String", "Value": "x"}}
    body = json.dumps({"Resources": {"Setting": setting}})
    client("cloudformation").create_stack(StackName="trail-stack", TemplateBody=body)


@pytest.mark.rule(
    "a management call is found by the resource it was about; data events are not in the history", _LOOKUP
)
def test_a_call_is_found_by_its_resource(client: Client, endpoint: Any) -> None:
    events = found(client, endpoint, "ResourceName", "trail-resource", events=2)

    names = [event["EventName"] for event in events]
    assert (names[0], names[-1]) == ("DeleteTable", "CreateTable")
    assert "PutItem" not in names
    assert events[0]["EventSource"] == "dynamodb.amazonaws.com"
    assert events[0]["ReadOnly"] == "false"
    assert {"ResourceType": "AWS::DynamoDB::Table", "ResourceName": "trail-resource"} in events[0]["Resources"]


@pytest.mark.rule("a refused call is recorded with its error code", _LOOKUP)
def test_a_refused_call(client: Client, endpoint: Any) -> None:
    refused = found(client, endpoint, "ResourceName", "trail-never-made")[0]

    assert json.loads(refused["CloudTrailEvent"])["errorCode"] == "ResourceNotFoundException"


@pytest.mark.rule("an event stands in the region whose API was called", _LOOKUP)
def test_events_are_regional(client: Client, endpoint: Any) -> None:
    found(client, endpoint, "ResourceName", "trail-regional")

    attributes = [{"AttributeKey": "ResourceName", "AttributeValue": "trail-regional"}]
    assert client("cloudtrail", "us-west-2").lookup_events(LookupAttributes=attributes)["Events"] == []


@pytest.mark.rule("the calls that CloudFormation makes are recorded, and say that it made them", _LOOKUP)
def test_calls_of_another_service(client: Client, endpoint: Any) -> None:
    event = found(client, endpoint, "EventName", "PutParameter", about="cloudformation.amazonaws.com")[0]

    assert json.loads(event["CloudTrailEvent"])["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"


@pytest.mark.rule("a bucket's creation is recorded, its objects' are data events and are not", _LOOKUP)
def test_buckets(client: Client, endpoint: Any) -> None:
    events = found(client, endpoint, "ResourceName", "trail-bucket")

    assert [event["EventName"] for event in events] == ["CreateBucket"]


@pytest.mark.rule("the time range and the number of events are checked", _LOOKUP)
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("time", "InvalidTimeRangeException"),
        ("attributes", "InvalidLookupAttributesException"),
        ("token", "InvalidNextTokenException"),
    ],
)
def test_bad_lookups(client: Client, wrong: str, code: str) -> None:
    now = _clock.now()
    asked = {
        "time": {"StartTime": now, "EndTime": now - timedelta(hours=1)},
        "attributes": {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "A"}] * 2},
        "token": {"NextToken": "no such token"},
    }[wrong]
    with pytest.raises(ClientError) as refused:
        client("cloudtrail").lookup_events(**asked)
    assert refused.value.response["Error"]["Code"] == code
