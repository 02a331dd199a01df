"""Functions run their deployed code, with their environment, in versions that never change."""

from __future__ import annotations

import base64
import concurrent.futures
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.embedded.functions.runtime import ACCOUNT_CONCURRENCY
from drillbook.waiting import wait_for

ECHO = "import os\ndef handler(event, context):\n    return event\n"
VERSIONED = "def handler(event, context):\n    return {{'code': {code!r}, 'version': context.function_version}}\n"
ENVIRONMENT = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
PID = "import os, time\ndef handler(event, context):\n    time.sleep(event.get('sleep', 0))\n    return os.getpid()\n"


def test_a_function_runs_its_code(function: Callable[..., Any]) -> None:
    answer = function(ECHO).invoke({"a": [1, "ö"]})

    assert (answer["StatusCode"], answer["said"]) == (200, {"a": [1, "ö"]})
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer


def test_a_warm_sandbox_is_used_again_and_new_code_gets_a_new_one(function: Callable[..., Any]) -> None:
    one = function(PID)
    first, second = one.say(), one.say()
    one.update(PID + "\n# changed\n")

    assert first == second != one.say()


def test_calls_at_the_same_time_get_sandboxes_of_their_own(function: Callable[..., Any]) -> None:
    one = function(PID)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        pids = set(pool.map(one.say, [{"sleep": 0.5}] * 3))

    assert len(pids) == 3


def test_a_function_sees_its_variables_its_cloud_and_nothing_of_the_machine(
    function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, cloud: Any
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    one = function(ENVIRONMENT, Environment={"Variables": {"TABLE": "products"}}, MemorySize=256)
    seen = one.say()

    assert seen["TABLE"] == "products"
    assert seen["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == one.name
    assert (seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], seen["AWS_REGION"]) == ("256", "eu-west-1")
    assert "AWS_PROFILE" not in seen
    assert "PYTHONPATH" not in seen


def test_a_function_reaches_the_cloud_with_boto3(function: Callable[..., Any], client: Callable[..., Any]) -> None:
    client("s3").create_bucket(
        Bucket="seen-by-a-function", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    source = "import boto3\ndef handler(event, context):\n"
    source += "    return [b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']]\n"

    assert "seen-by-a-function" in function(source).say()


def test_a_new_environment_replaces_all_variables(function: Callable[..., Any]) -> None:
    one = function(ENVIRONMENT, Environment={"Variables": {"TABLE": "products", "COLOUR": "blue"}})
    one.client.update_function_configuration(FunctionName=one.name, Environment={"Variables": {"TABLE": "restored"}})
    kept = one.client.get_function_configuration(FunctionName=one.name)

    assert kept["Environment"]["Variables"] == {"TABLE": "restored"}
    assert (kept["State"], kept["LastUpdateStatus"]) == ("Active", "Successful")
    seen = one.say()
    assert seen["TABLE"] == "restored"
    assert "COLOUR" not in seen


def test_an_update_without_environment_leaves_the_variables(function: Callable[..., Any]) -> None:
    one = function(ENVIRONMENT, Environment={"Variables": {"TABLE": "products"}})
    one.client.update_function_configuration(FunctionName=one.name, Timeout=7)

    assert one.say()["TABLE"] == "products"


def test_versions_keep_their_code_and_configuration(function: Callable[..., Any]) -> None:
    one = function(VERSIONED.format(code="first"))
    first = one.client.publish_version(FunctionName=one.name)["Version"]
    one.update(VERSIONED.format(code="second"))
    second = one.client.publish_version(FunctionName=one.name)["Version"]

    assert one.say(Qualifier=first) == {"code": "first", "version": "1"}
    assert one.say(Qualifier=second) == {"code": "second", "version": "2"}
    assert one.say() == {"code": "second", "version": "$LATEST"}
    assert one.invoke(Qualifier=first)["ExecutedVersion"] == "1"


def test_publishing_nothing_new_gives_the_same_version(function: Callable[..., Any]) -> None:
    one = function(ECHO)
    versions = [one.client.publish_version(FunctionName=one.name)["Version"] for _ in range(3)]

    assert versions == ["1", "1", "1"]


def test_a_version_number_is_never_used_again(function: Callable[..., Any]) -> None:
    one = function(ECHO)
    one.client.publish_version(FunctionName=one.name)
    one.client.delete_function(FunctionName=one.name, Qualifier="1")
    one.update(PID)

    assert one.client.publish_version(FunctionName=one.name)["Version"] == "2"


def test_an_alias_follows_its_version(function: Callable[..., Any]) -> None:
    one = function(VERSIONED.format(code="first"))
    one.client.publish_version(FunctionName=one.name)
    one.update(VERSIONED.format(code="second"))
    one.client.publish_version(FunctionName=one.name)
    one.client.create_alias(FunctionName=one.name, Name="live", FunctionVersion="2")
    before = one.say(Qualifier="live")["code"]
    one.client.update_alias(FunctionName=one.name, Name="live", FunctionVersion="1")

    assert (before, one.say(Qualifier="live")["code"]) == ("second", "first")
    assert one.client.invoke(FunctionName=f"{one.arn}:live")["ExecutedVersion"] == "1"


def test_an_alias_with_all_weight_on_another_version_answers_with_that(function: Callable[..., Any]) -> None:
    one = function(VERSIONED.format(code="first"))
    one.client.publish_version(FunctionName=one.name)
    one.update(VERSIONED.format(code="second"))
    one.client.publish_version(FunctionName=one.name)
    weights = {"AdditionalVersionWeights": {"2": 1.0}}
    one.client.create_alias(FunctionName=one.name, Name="canary", FunctionVersion="1", RoutingConfig=weights)

    assert one.say(Qualifier="canary")["code"] == "second"


def test_code_comes_from_s3_at_the_version_asked_for(
    function: Callable[..., Any], client: Callable[..., Any], http: urllib3.PoolManager
) -> None:
    s3, bucket = client("s3"), "artifacts-of-functions"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    good = s3.put_object(Bucket=bucket, Key="list.zip", Body=_zip(VERSIONED.format(code="good")))["VersionId"]
    s3.put_object(Bucket=bucket, Key="list.zip", Body=_zip(VERSIONED.format(code="bad")))
    one = function("", Code={"S3Bucket": bucket, "S3Key": "list.zip"})
    bad = one.say()["code"]
    one.client.update_function_code(FunctionName=one.name, S3Bucket=bucket, S3Key="list.zip", S3ObjectVersion=good)
    s3.delete_object(Bucket=bucket, Key="list.zip")

    assert (bad, one.say()["code"]) == ("bad", "good")
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*NoSuchKey"):
        one.client.update_function_code(FunctionName=one.name, S3Bucket=bucket, S3Key="list.zip")
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*NoSuchBucket"):
        one.client.update_function_code(FunctionName=one.name, S3Bucket="no-such-bucket-here", S3Key="list.zip")
    assert one.say()["code"] == "good"


def test_what_is_no_zip_is_refused(function: Callable[..., Any]) -> None:
    one = function(ECHO)
    with pytest.raises(ClientError, match="Could not unzip uploaded file"):
        one.client.update_function_code(FunctionName=one.name, ZipFile=b"not a zip")
    assert one.say({"still": "there"}) == {"still": "there"}


def test_the_deployed_code_can_be_downloaded_as_on_aws(function: Callable[..., Any], http: urllib3.PoolManager) -> None:
    one = function(ECHO)
    location = one.client.get_function(FunctionName=one.name)["Code"]["Location"]
    archive = zipfile.ZipFile(io.BytesIO(http.request("GET", location).data))

    assert archive.read("index.py").decode() == ECHO


def test_reserved_concurrency_of_none_throttles_and_its_end_lets_through(function: Callable[..., Any]) -> None:
    one = function(ECHO)
    one.client.put_function_concurrency(FunctionName=one.name, ReservedConcurrentExecutions=0)
    with pytest.raises(one.client.exceptions.TooManyRequestsException) as refused:
        one.say()

    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    told = one.client.get_function_concurrency(FunctionName=one.name)
    assert told["ReservedConcurrentExecutions"] == 0
    assert one.client.get_function(FunctionName=one.name)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    one.client.delete_function_concurrency(FunctionName=one.name)
    assert one.say({"a": 1}) == {"a": 1}


def test_reserved_concurrency_limits_how_many_run_at_once_versions_included(function: Callable[..., Any]) -> None:
    one = function(PID)
    one.client.publish_version(FunctionName=one.name)
    one.client.put_function_concurrency(FunctionName=one.name, ReservedConcurrentExecutions=1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        at_once = [{"event": {"sleep": 2.0}}, {"event": {"sleep": 2.0}, "Qualifier": "1"}]
        refused = list(pool.map(lambda call: _throttled(one, **call), at_once))

    assert sorted(refused) == [False, True]
    assert isinstance(one.say(), int)


def test_an_account_runs_only_so_many_at_once_and_throttles_the_rest(function: Callable[..., Any]) -> None:
    one = function(PID)
    with concurrent.futures.ThreadPoolExecutor(ACCOUNT_CONCURRENCY + 5) as pool:
        calls = [pool.submit(_throttled, one, event={"sleep": 1.0}) for _ in range(ACCOUNT_CONCURRENCY + 5)]

    assert any(call.result() for call in calls)
    assert sum(not call.result() for call in calls) >= ACCOUNT_CONCURRENCY
    assert isinstance(one.say(), int)


def test_an_event_is_accepted_at_once_and_done_later(function: Callable[..., Any], client: Callable[..., Any]) -> None:
    one = function("def handler(event, context):\n    print('done', event['key'])\n")
    answer = one.client.invoke(FunctionName=one.name, InvocationType="Event", Payload=b'{"key": "later"}')

    assert answer["StatusCode"] == 202
    wait_for(
        "the event", lambda: "done later" in _log(client, one.name), timeout=10, clock=SystemClock(), interval=0.05
    )


def test_a_dry_run_runs_nothing(function: Callable[..., Any], client: Callable[..., Any]) -> None:
    one = function(ECHO)

    assert one.client.invoke(FunctionName=one.name, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        one.client.invoke(FunctionName="no-such-function", InvocationType="DryRun")


def test_the_log_tail_and_the_log_group_show_what_was_printed(
    function: Callable[..., Any], client: Callable[..., Any]
) -> None:
    one = function("def handler(event, context):\n    print('hello from', context.aws_request_id)\n")
    tail = base64.b64decode(one.invoke(LogType="Tail")["LogResult"]).decode().splitlines()

    request_id = tail[0].removeprefix("START RequestId: ").removesuffix(" Version: $LATEST")
    assert tail[1:3] == [f"hello from {request_id}", f"END RequestId: {request_id}"]
    assert tail[3].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert f"hello from {request_id}" in _log(client, one.name)


def test_invocations_errors_and_throttles_are_counted(function: Callable[..., Any], client: Callable[..., Any]) -> None:
    one = function("def handler(event, context):\n    return 1 / event['by']\n")
    for by in (1, 2, 0):
        one.invoke({"by": by})
    one.client.put_function_concurrency(FunctionName=one.name, ReservedConcurrentExecutions=0)
    assert _throttled(one)

    now = SystemClock().now()
    sums = {}
    for metric in ("Invocations", "Errors", "Throttles"):
        found = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": one.name}],
            StartTime=now.replace(hour=0, minute=0),
            EndTime=now.replace(year=now.year + 1, day=1),
            Period=86400,
            Statistics=["Sum"],
        )["Datapoints"]
        sums[metric] = sum(point["Sum"] for point in found)
    assert sums == {"Invocations": 3.0, "Errors": 1.0, "Throttles": 1.0}


def _throttled(one: Any, **settings: Any) -> bool:
    try:
        one.say(**settings)
    except one.client.exceptions.TooManyRequestsException:
        return True
    return False


def _log(client: Callable[..., Any], name: str) -> str:
    logs = client("logs")
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return ""
    return "\n".join(event["message"] for event in events)


def _zip(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()


def test_a_payload_that_is_no_json_is_refused(function: Callable[..., Any]) -> None:
    one = function(ECHO)
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        one.client.invoke(FunctionName=one.name, Payload=b"{")
    assert json.loads(one.client.invoke(FunctionName=one.name)["Payload"].read()) == {}
