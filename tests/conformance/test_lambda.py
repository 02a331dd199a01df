"""Lambda: versions, weighted aliases, reserved concurrency, and what a lost region does to functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from .conftest import HERE, THERE, Breaking, Endpoint
from .serverless import make_function, say, zipped

Client = Callable[..., Any]
ALIASES = "https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html"
CONCURRENCY = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
VERSIONS = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html"
RETRIES = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html"
REGIONS = "https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/regions.html"

MARKS = """
import boto3, os, time
def handler(event, context):
    client = boto3.client("dynamodb", region_name=event.get("region", os.environ["AWS_REGION"]))
    def mark(name):
        client.put_item(TableName=event["table"], Item={"id": {"S": name}})
    mark(event["name"] + "-began")
    time.sleep(event.get("seconds", 0))
    mark(event["name"] + "-ended")
    return "done"
"""


def code(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    answer = failed.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def marks_in(dynamodb: Any, table: str) -> set[str]:
    return {item["id"]["S"] for item in dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]}


def make_table(dynamodb: Any, name: str) -> str:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


@pytest.mark.rule("a published version keeps its code when $LATEST changes", VERSIONS)
def test_a_version_keeps_its_code(client: Client) -> None:
    functions = client("lambda")
    make_function(client, "versions", "def handler(event, context): return 'one'")
    version = functions.publish_version(FunctionName="versions")["Version"]
    functions.update_function_code(FunctionName="versions", ZipFile=zipped("def handler(event, context): return 'two'"))
    functions.get_waiter("function_updated_v2").wait(FunctionName="versions")
    assert say(functions, "versions") == "two"
    assert say(functions, "versions", Qualifier=version) == "one"


@pytest.mark.rule("an alias shifts a share of its traffic to a second version, and back", ALIASES)
def test_an_alias_splits_and_shifts_traffic(client: Client) -> None:
    functions = client("lambda")
    make_function(client, "weights")
    one = functions.publish_version(FunctionName="weights")["Version"]
    functions.update_function_configuration(FunctionName="weights", Description="another version")
    functions.get_waiter("function_updated_v2").wait(FunctionName="weights")
    two = functions.publish_version(FunctionName="weights")["Version"]
    functions.create_alias(FunctionName="weights", Name="live", FunctionVersion=one)

    def versions(share: dict[str, float]) -> set[str]:
        routing = {"AdditionalVersionWeights": share}
        functions.update_alias(FunctionName="weights", Name="live", RoutingConfig=routing)
        return {say(functions, "weights", Qualifier="live")["version"] for _ in range(40)}

    assert versions({two: 0.5}) == {one, two}
    assert versions({two: 1.0}) == {two}
    assert versions({}) == {one}


@pytest.mark.parametrize(
    ("weights", "refused"),
    [
        ({"9": 0.5}, ("ResourceNotFoundException", 404)),
        ({"$LATEST": 0.5}, ("ValidationException", 400)),
        ({"1": 0.5}, ("InvalidParameterValueException", 400)),
        ({"2": 0.1, "3": 0.1}, ("InvalidParameterValueException", 400)),
        ({"2": 1.5}, ("ValidationException", 400)),
    ],
)
@pytest.mark.rule("an alias points to at most two versions, which exist, and never $LATEST among them", ALIASES)
def test_a_routing_that_cannot_be_is_refused(
    client: Client, weights: dict[str, float], refused: tuple[str, int]
) -> None:
    functions = client("lambda")
    if "refused" not in {each["FunctionName"] for each in functions.list_functions()["Functions"]}:
        make_function(client, "refused")
        functions.publish_version(FunctionName="refused")
        functions.update_function_configuration(FunctionName="refused", Description="two")
        functions.get_waiter("function_updated_v2").wait(FunctionName="refused")
        functions.publish_version(FunctionName="refused")
        functions.create_alias(FunctionName="refused", Name="live", FunctionVersion="1")
    routing = {"AdditionalVersionWeights": weights}
    assert code(functions.update_alias, FunctionName="refused", Name="live", RoutingConfig=routing) == refused


@pytest.mark.rule("an alias or function that does not exist is not found", ALIASES)
def test_what_does_not_exist_is_not_found(client: Client) -> None:
    functions = client("lambda")
    assert code(functions.invoke, FunctionName="nobody") == ("ResourceNotFoundException", 404)
    make_function(client, "no-alias")
    assert code(functions.invoke, FunctionName="no-alias", Qualifier="live") == ("ResourceNotFoundException", 404)
    assert code(functions.update_alias, FunctionName="no-alias", Name="live", FunctionVersion="1") == (
        "ResourceNotFoundException",
        404,
    )
    assert code(functions.put_function_concurrency, FunctionName="nobody", ReservedConcurrentExecutions=1) == (
        "ResourceNotFoundException",
        404,
    )


@pytest.mark.rule(
    "reserved concurrency 0 throttles every invocation; 100 must stay unreserved of the region's 1,000", CONCURRENCY
)
def test_reserved_concurrency(client: Client) -> None:
    functions = client("lambda")
    make_function(client, "reserved")
    functions.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=0)
    assert code(functions.invoke, FunctionName="reserved") == ("TooManyRequestsException", 429)
    assert functions.get_function_concurrency(FunctionName="reserved")["ReservedConcurrentExecutions"] == 0
    functions.delete_function_concurrency(FunctionName="reserved")
    assert say(functions, "reserved")["region"] == HERE
    too_much = code(functions.put_function_concurrency, FunctionName="reserved", ReservedConcurrentExecutions=901)
    assert too_much == ("InvalidParameterValueException", 400)


@pytest.mark.rule("a function of a lost region neither answers nor goes on working; it runs again afterwards", REGIONS)
def test_a_dark_region_stops_its_functions(client: Client, breaking: Breaking) -> None:
    make_function(client, "dark-function", MARKS)
    there = client("dynamodb", THERE)
    table = make_table(there, "dark-function")
    event = {"table": table, "name": "lost", "region": THERE, "seconds": 1.0}
    clock = SystemClock()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(say, client("lambda"), "dark-function", event)
        wait_for("its work", lambda: "lost-began" in marks_in(there, table), timeout=20, clock=clock)
        breaking.region(HERE)
        with pytest.raises(HTTPClientError):
            call.result(timeout=20)
        with pytest.raises(HTTPClientError):
            say(client("lambda"), "dark-function", event)
    clock.sleep(1.2)
    assert marks_in(there, table) == {"lost-began"}
    breaking.mend()
    assert say(client("lambda"), "dark-function", event | {"name": "again", "seconds": 0}) == "done"


@pytest.mark.rule("an accepted event waits in Lambda's queue and is run at least once", RETRIES)
def test_an_accepted_event_survives_a_dark_region(client: Client, breaking: Breaking) -> None:
    make_function(client, "queued", MARKS)
    here = client("dynamodb")
    table = make_table(here, "queued")
    event = json.dumps({"table": table, "name": "queued", "seconds": 0.5}).encode()
    accepted = client("lambda").invoke(FunctionName="queued", InvocationType="Event", Payload=event)
    assert accepted["StatusCode"] == 202
    wait_for("its start", lambda: "queued-began" in marks_in(here, table), timeout=20, clock=SystemClock())
    breaking.region(HERE)
    breaking.mend()
    wait_for("its end", lambda: "queued-ended" in marks_in(here, table), timeout=20, clock=SystemClock())


@pytest.mark.rule("a function reaches another region only while their link holds", REGIONS)
def test_a_function_does_not_cross_a_cut_link(client: Client, breaking: Breaking, endpoint: Endpoint) -> None:
    source = MARKS.replace("boto3.client(", "boto3.client(config=CONFIG, service_name=").replace(
        "def handler",
        "from botocore.config import Config\nCONFIG = Config(retries={'total_max_attempts': 1})\ndef handler",
    )
    make_function(client, "cut-link", source)
    there = client("dynamodb", THERE)
    table = make_table(there, "cut-link")
    breaking.link(HERE, THERE)
    answer = say(client("lambda"), "cut-link", {"table": table, "name": "one", "region": THERE})
    assert answer["errorType"] == "ConnectionClosedError"
    assert marks_in(there, table) == set()
    breaking.mend()
    assert say(client("lambda"), "cut-link", {"table": table, "name": "two", "region": THERE}) == "done"
