"""Regions that are dark or cut off, and services that fail: what every client meets."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from drillbook.clock import SystemClock
from drillbook.embedded.addresses import address_of
from drillbook.embedded.domains import ServiceFault
from drillbook.waiting import wait_for

from .conftest import HERE, THERE, Breaking, Endpoint

ISOLATION = "https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/regions.html"
GLOBAL = "https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html"
Client = Callable[..., Any]


def table(dynamodb: Any, name: str) -> str:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def refused(call: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return dict(failed.value.response)


@pytest.mark.rule("a region that fails answers nothing; other regions are not affected", ISOLATION)
def test_a_dark_region_answers_nothing_and_keeps_what_it_has(
    client: Client, breaking: Breaking, endpoint: Endpoint
) -> None:
    here, there = client("dynamodb"), client("dynamodb", THERE)
    name = table(here, "dark-region")
    here.put_item(TableName=name, Item={"id": {"S": "before"}})
    breaking.region(HERE)
    began = SystemClock().monotonic()
    with pytest.raises(ConnectionClosedError):
        here.put_item(TableName=name, Item={"id": {"S": "during"}})
    assert SystemClock().monotonic() - began >= endpoint.aws_seconds(60) * 0.9, "nobody there says no"
    assert there.list_tables()["ResponseMetadata"]["HTTPStatusCode"] == 200
    breaking.mend()
    found = here.scan(TableName=name, ConsistentRead=True)["Items"]
    assert found == [{"id": {"S": "before"}}]


@pytest.mark.rule("S3 buckets are where they were created, whatever region a client names", ISOLATION)
def test_a_bucket_is_as_dark_as_its_region_for_signed_presigned_and_copying_requests(
    client: Client, breaking: Breaking, endpoint: Endpoint
) -> None:
    here, there = client("s3"), client("s3", THERE)
    here.create_bucket(Bucket="dark-bucket")
    there.create_bucket(Bucket="lit-bucket", CreateBucketConfiguration={"LocationConstraint": THERE})
    here.put_object(Bucket="dark-bucket", Key="k", Body=b"kept")
    there.put_object(Bucket="lit-bucket", Key="k", Body=b"lit")
    link = there.generate_presigned_url("get_object", Params={"Bucket": "dark-bucket", "Key": "k"})
    breaking.region(HERE)
    for call, arguments in (
        (there.get_object, {"Bucket": "dark-bucket", "Key": "k"}),
        (there.copy_object, {"Bucket": "lit-bucket", "Key": "c", "CopySource": "dark-bucket/k"}),
        (here.put_object, {"Bucket": "dark-bucket", "Key": "large", "Body": bytes(3_000_000)}),
    ):
        with pytest.raises(HTTPClientError):
            call(**arguments)
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        urllib.request.urlopen(link, timeout=10)
    assert there.get_object(Bucket="lit-bucket", Key="k")["Body"].read() == b"lit"
    breaking.mend()
    assert there.get_object(Bucket="dark-bucket", Key="k")["Body"].read() == b"kept"


@pytest.mark.rule("control planes of IAM, Route 53 and CloudFront are in us-east-1; STS is regional", GLOBAL)
def test_global_control_planes_are_in_one_region(client: Client, breaking: Breaking) -> None:
    breaking.region(THERE)
    assert client("iam", THERE).list_roles()["Roles"] is not None
    assert client("route53", THERE).list_hosted_zones()["HostedZones"] is not None
    with pytest.raises(HTTPClientError):
        client("sts", THERE).get_caller_identity()
    breaking.mend()
    breaking.region("us-east-1")
    with pytest.raises(HTTPClientError):
        client("iam", THERE).list_roles()
    assert client("sts", THERE).get_caller_identity()["Account"]


@pytest.mark.rule("an answer under way when a region fails does not arrive", ISOLATION)
def test_a_request_under_way_loses_its_connection(client: Client, breaking: Breaking) -> None:
    breaking.service(ServiceFault(HERE, "dynamodb", "slow", seconds=10))
    clock = SystemClock()
    with ThreadPoolExecutor(1) as pool:
        began = clock.monotonic()
        call = pool.submit(client("dynamodb").list_tables)
        clock.sleep(0.2)
        breaking.region(HERE)
        with pytest.raises(HTTPClientError):
            call.result(timeout=10)
    assert clock.monotonic() - began < 8, "it was not cut off but answered"


@pytest.mark.rule("what travels from region to region needs their link; clients reach both", ISOLATION)
def test_who_enters_by_one_region_does_not_cross_a_cut_link(
    client: Client, breaking: Breaking, endpoint: Endpoint
) -> None:
    import boto3
    from botocore.config import Config

    port = urlsplit(endpoint.url).port
    from_here = boto3.client(
        "dynamodb",
        region_name=THERE,
        endpoint_url=f"http://{address_of(HERE)}:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert from_here.list_tables()["TableNames"] is not None
    breaking.link(HERE, THERE)
    with pytest.raises(HTTPClientError):
        from_here.list_tables()
    assert client("dynamodb", THERE).list_tables()["TableNames"] is not None
    from_here.close()


CODES = {
    "dynamodb": ("list_tables", {}, "ServiceUnavailable", 503, "ThrottlingException", 400),
    "lambda": ("list_functions", {}, "ServiceUnavailableException", 503, "TooManyRequestsException", 429),
    "apigateway": ("get_rest_apis", {}, "ServiceUnavailableException", 503, "TooManyRequestsException", 429),
    "rds": ("describe_db_instances", {}, "ServiceUnavailable", 503, "Throttling", 400),
    "ec2": ("describe_regions", {}, "Unavailable", 503, "RequestLimitExceeded", 503),
    "cloudwatch": ("describe_alarms", {}, "ServiceUnavailable", 503, "ThrottlingException", 400),
    "s3": ("list_objects_v2", {"Bucket": "none"}, "ServiceUnavailable", 503, "SlowDown", 503),
    "sts": ("get_caller_identity", {}, "ServiceUnavailable", 503, "Throttling", 400),
    "route53": ("list_hosted_zones", {}, "ServiceUnavailable", 503, "Throttling", 400),
}
SIGNED_AS = {"cloudwatch": "monitoring"}


@pytest.mark.parametrize("service", CODES)
@pytest.mark.rule(
    "an unavailable service answers 503 and a throttled one its throttling code, in its own protocol",
    "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html",
)
def test_a_failing_service_refuses_in_its_own_words(client: Client, breaking: Breaking, service: str) -> None:
    operation, arguments, unavailable, status, throttled, rate_status = CODES[service]
    call = getattr(client(service), operation)
    signed = SIGNED_AS.get(service, service)
    breaking.service(ServiceFault(HERE, signed, "unavailable"))
    answer = refused(call, **arguments)
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (unavailable, status)
    breaking.mend()
    breaking.service(ServiceFault(HERE, signed, "throttled"))
    answer = refused(call, **arguments)
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (throttled, rate_status)
    assert "x-drillbook-cloud-fault" not in answer["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.rule(
    "a throttled write answers ProvisionedThroughputExceededException",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html",
)
def test_a_throttled_table_and_an_untouched_region(client: Client, breaking: Breaking) -> None:
    name = table(client("dynamodb"), "throttled-table")
    breaking.service(ServiceFault(HERE, "dynamodb", "throttled"))
    answer = refused(client("dynamodb").put_item, TableName=name, Item={"id": {"S": "1"}})
    assert answer["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert client("dynamodb", THERE).list_tables()["TableNames"] is not None
    assert client("sts").get_caller_identity()["Account"], "another service of that region"
    breaking.mend()
    assert "Item" not in client("dynamodb").get_item(TableName=name, Key={"id": {"S": "1"}}, ConsistentRead=True)


@pytest.mark.rule(
    "latency grows while a service is impaired; other services of the region answer as ever",
    "https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/aws-service-types.html",
)
def test_a_slow_service_answers_late_and_a_share_of_none_hits_nobody(client: Client, breaking: Breaking) -> None:
    clock = SystemClock()
    breaking.service(ServiceFault(HERE, "sts", "unavailable", share=0.0))
    breaking.service(ServiceFault(HERE, "dynamodb", "slow", seconds=0.3))
    began = clock.monotonic()
    assert client("dynamodb").list_tables()["TableNames"] is not None
    assert clock.monotonic() - began >= 0.3
    assert client("sts").get_caller_identity()["Account"]


@pytest.mark.rule("a region that fails does not even say so", ISOLATION)
def test_at_a_dark_regions_own_address_nobody_answers(breaking: Breaking, endpoint: Endpoint) -> None:
    port = urlsplit(endpoint.url).port
    breaking.region(HERE)
    with socket.create_connection((address_of(HERE), port), timeout=10) as raw:
        raw.sendall(b"GET /anything HTTP/1.1\r\nHost: any.example.com\r\nExpect: 100-continue\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            assert raw.recv(100) == b"not even 100 Continue"
    status = json.load(urllib.request.urlopen(f"{endpoint.url}/_drillbook/status", timeout=5))
    assert status["failures"]["regions"] == [HERE]


@pytest.mark.rule("alarms of a lost region are not evaluated; they are again when it is back", ISOLATION)
def test_alarms_of_a_dark_region_rest(client: Client, breaking: Breaking, endpoint: Endpoint) -> None:
    alarms, clock = client("cloudwatch"), SystemClock()
    alarms.put_metric_alarm(
        AlarmName="dark-alarm",
        Namespace="Conformance",
        MetricName="Nothing",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
    )
    breaking.region(HERE)
    dark_from = clock.now()
    clock.sleep(endpoint.aws_seconds(60) * 4)
    dark_until = clock.now()
    breaking.mend()

    def changes() -> list[Any]:
        history = alarms.describe_alarm_history(AlarmName="dark-alarm", HistoryItemType="StateUpdate")
        return [item["Timestamp"] for item in history["AlarmHistoryItems"]]

    wait_for("the alarm", changes, timeout=endpoint.aws_seconds(600) + 10, clock=clock)
    assert not [at for at in changes() if dark_from < at < dark_until]
