"""HTTP of the embedded cloud: keep-alive, commands, and crashes that tell whose fault they are."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.crash import BLAME
from drillbook.embedded.process import Cloud

Client = Callable[..., Any]


@pytest.fixture
def connection(cloud: Cloud) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(urlsplit(cloud.endpoint).netloc, timeout=10)
    yield connection
    connection.close()


def ask(connection: HTTPConnection, method: str, path: str, **headers: str) -> tuple[int, Any]:
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_one_connection_serves_many_requests_without_delay(connection: HTTPConnection) -> None:
    clock, took, sockets = SystemClock(), [], set()
    for _ in range(30):
        began = clock.monotonic()
        assert ask(connection, "GET", "/_drillbook/status")[0] == 200
        took.append(clock.monotonic() - began)
        sockets.add(connection.sock)
    assert len(sockets) == 1
    assert min(took) < 0.03, "a delayed acknowledgement costs each request 40 ms"


def test_the_status_tells_who_this_is(cloud: Cloud, connection: HTTPConnection) -> None:
    said = ask(connection, "GET", "/_drillbook/status")[1]
    assert (said["id"], said["pid"], said["endpoint"], said["ready"]) == (cloud.id, cloud.pid, cloud.endpoint, True)


@pytest.mark.parametrize("path", ["/_drillbook/stop", "/_drillbook/owner", "/_drillbook/nothing"])
def test_who_does_not_know_the_id_cannot_command(connection: HTTPConnection, cloud: Cloud, path: str) -> None:
    assert ask(connection, "POST", path, **{"X-Drillbook-Id": "guess"})[0] == 404
    assert process.status(cloud)["id"] == cloud.id


def test_a_crash_inside_moto_is_an_aws_error_that_blames_the_cloud(client: Client, cloud: Cloud) -> None:
    dynamodb = client("dynamodb")
    crashes = process.status(cloud)["crashes"]["count"]
    with pytest.raises(ClientError) as failed:
        dynamodb.export_table_to_point_in_time(
            TableArn="arn:aws:dynamodb:eu-west-1:111122223333:table/none", S3Bucket="bucket"
        )
    answer = failed.value.response
    assert answer["Error"]["Code"] == "InternalFailure"
    assert answer["Error"]["Message"].startswith("the embedded cloud failed: KeyError: 'S3Prefix' in dynamodb/")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "KeyError" in answer["ResponseMetadata"]["HTTPHeaders"][BLAME]
    assert process.status(cloud)["crashes"]["count"] == crashes + 1
    assert dynamodb.list_tables()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_what_moto_does_not_implement_is_not_worth_a_retry(client: Client) -> None:
    with pytest.raises(ClientError) as failed:
        client("dynamodb").describe_kinesis_streaming_destination(TableName="any-table")
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_bodies_of_every_kind_arrive_whole(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="bodies", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    large = bytes(range(256)) * 8192
    for key, body in {"empty": b"", "small": b"x", "large": large}.items():
        s3.put_object(Bucket="bodies", Key=key, Body=body)
        assert s3.head_object(Bucket="bodies", Key=key)["ContentLength"] == len(body)
        assert s3.get_object(Bucket="bodies", Key=key)["Body"].read() == body
        s3.delete_object(Bucket="bodies", Key=key)
    assert s3.list_objects_v2(Bucket="bodies")["KeyCount"] == 0


def test_a_request_that_broke_off_has_no_effect(client: Client, cloud: Cloud) -> None:
    s3, address = client("s3", "us-east-1"), urlsplit(cloud.endpoint)
    s3.create_bucket(Bucket="broken-off")
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        scope = b"Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        connection.sendall(
            b"PUT /broken-off/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
            b"Authorization: AWS4-HMAC-SHA256 " + scope + b"\r\n\r\nhalf"
        )
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert s3.list_objects_v2(Bucket="broken-off")["KeyCount"] == 0
