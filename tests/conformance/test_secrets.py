"""Secrets Manager and the Parameter Store: what a recovery relies on."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from .conftest import HERE, THERE, Breaking, Endpoint

USER_GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/"
API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/"
SSM = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/"
PATIENCE = 60.0

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ROTATION = """
import boto3

def handler(event, context):
    api, secret, token = boto3.client("secretsmanager"), event["SecretId"], event["ClientRequestToken"]
    versions = api.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert "AWSPENDING" in versions[token], versions
    boto3.client("ssm").put_parameter(Name="/rotation/" + token, Value=trail(token) + event["Step"] + " ",
                                      Type="String", Overwrite=True)
    if event["Step"] == FAILING:
        raise ValueError("this step fails")
    if event["Step"] == "createSecret":
        try:
            api.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
        except api.exceptions.ResourceNotFoundException:
            current = api.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")["SecretString"]
            api.put_secret_value(SecretId=secret, ClientRequestToken=token, SecretString=current + "+",
                                 VersionStages=["AWSPENDING"])
    if event["Step"] == "finishSecret":
        current = next(number for number, stages in versions.items() if "AWSCURRENT" in stages)
        api.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                        RemoveFromVersionId=current)
        api.update_secret_version_stage(SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=token)

def trail(token):
    api = boto3.client("ssm")
    try:
        return api.get_parameter(Name="/rotation/" + token)["Parameter"]["Value"]
    except api.exceptions.ParameterNotFound:
        return ""
"""


def rotation_function(client: Callable[..., Any], name: str, failing: str = "") -> str:
    """The ARN of a function that rotates by adding a plus to the secret, and fails at one step if so asked."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", f"FAILING = {failing!r}\n{ROTATION}")
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=60,
    )
    return str(made["FunctionArn"])


def stages(secrets: Any, name: str) -> dict[str, list[str]]:
    return {
        number: sorted(some) for number, some in secrets.describe_secret(SecretId=name)["VersionIdsToStages"].items()
    }


@pytest.mark.rule(
    "rotation invokes the function for createSecret, setSecret, testSecret and finishSecret; the labels move on",
    USER_GUIDE + "rotate-secrets_how.html",
)
def test_rotation_makes_a_new_current_version(client: Callable[..., Any]) -> None:
    secrets, name = client("secretsmanager"), "rotated"
    function = rotation_function(client, name)
    first = secrets.create_secret(Name=name, SecretString="one")["VersionId"]
    second = str(uuid.uuid4())
    answer = secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, ClientRequestToken=second)
    assert answer["VersionId"] == second
    wait_for(
        "the rotation",
        lambda: secrets.get_secret_value(SecretId=name)["VersionId"],
        until=lambda current: current == second,
        timeout=PATIENCE,
        clock=SystemClock(),
    )
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "one+"
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    wait_for(
        "AWSPENDING to go",
        lambda: stages(secrets, name),
        until=lambda seen: seen == {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]},
        timeout=PATIENCE,
        clock=SystemClock(),
    )
    trail = client("ssm").get_parameter(Name=f"/rotation/{second}")["Parameter"]["Value"]
    assert trail.split() == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert secrets.describe_secret(SecretId=name)["RotationEnabled"] is True


@pytest.mark.rule(
    "a rotation whose function fails leaves the current version current, and the next one is refused",
    USER_GUIDE + "troubleshoot_rotation.html",
)
def test_a_failing_rotation_changes_nothing(client: Callable[..., Any]) -> None:
    secrets, name = client("secretsmanager"), "rotation-fails"
    function = rotation_function(client, name, failing="testSecret")
    first = secrets.create_secret(Name=name, SecretString="one")["VersionId"]
    second = str(uuid.uuid4())
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, ClientRequestToken=second)
    ssm = client("ssm")
    wait_for(
        "the failing step",
        lambda: [one["Value"] for one in ssm.get_parameters(Names=[f"/rotation/{second}"])["Parameters"]],
        until=lambda trail: bool(trail) and "testSecret" in trail[0],
        timeout=PATIENCE,
        clock=SystemClock(),
    )
    assert refused(secrets.rotate_secret, SecretId=name) == "InvalidRequestException"
    assert stages(secrets, name) == {first: ["AWSCURRENT"], second: ["AWSPENDING"]}
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "one"


@pytest.mark.rule("a secret without a rotation function cannot be rotated", API + "API_RotateSecret.html")
def test_no_rotation_without_a_function(client: Callable[..., Any], endpoint: Endpoint) -> None:
    secrets = client("secretsmanager")
    secrets.create_secret(Name="no-function", SecretString="one")
    assert refused(secrets.rotate_secret, SecretId="no-function") == "InvalidRequestException"
    missing = f"arn:aws:lambda:{HERE}:{endpoint.account}:function:no-such-function"
    call = {"SecretId": "no-function", "RotationLambdaARN": missing}
    assert refused(secrets.rotate_secret, **call) == "ResourceNotFoundException"
    assert refused(secrets.rotate_secret, SecretId="no-such-secret") == "ResourceNotFoundException"
    assert secrets.get_secret_value(SecretId="no-function")["SecretString"] == "one"
    assert secrets.get_secret_value(SecretId="no-function", VersionStage="AWSCURRENT")["SecretString"] == "one"


@pytest.mark.rule("a new value is AWSCURRENT, the one before it AWSPREVIOUS", API + "API_PutSecretValue.html")
def test_the_value_before_stays_as_previous(client: Callable[..., Any]) -> None:
    secrets, name = client("secretsmanager"), "previous"
    one = secrets.create_secret(Name=name, SecretString="one")["VersionId"]
    two = secrets.put_secret_value(SecretId=name, SecretString="two", VersionStages=["AWSCURRENT", "blue"])["VersionId"]
    three = secrets.update_secret(SecretId=name, SecretString="three")["VersionId"]
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "three"
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "two"
    assert secrets.get_secret_value(SecretId=name, VersionStage="blue")["SecretString"] == "two"
    listed = secrets.list_secret_version_ids(SecretId=name)
    assert {one["VersionId"] for one in listed["Versions"]} == {two, three}
    everything = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
    assert {one["VersionId"] for one in everything} == {one, two, three}
    assert listed["ARN"] == secrets.describe_secret(SecretId=name)["ARN"]


@pytest.mark.rule("AWSCURRENT can be moved back to the previous version", API + "API_UpdateSecretVersionStage.html")
def test_a_bad_value_is_rolled_back_by_moving_the_label(client: Callable[..., Any]) -> None:
    secrets, name = client("secretsmanager"), "rolled-back"
    good = secrets.create_secret(Name=name, SecretString="good")["VersionId"]
    bad = secrets.put_secret_value(SecretId=name, SecretString="bad")["VersionId"]
    secrets.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=good, RemoveFromVersionId=bad
    )
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "good"
    assert stages(secrets, name) == {good: ["AWSCURRENT"], bad: ["AWSPREVIOUS"]}


@pytest.mark.rule("a deleted secret can be restored in its recovery window", API + "API_RestoreSecret.html")
def test_a_deleted_secret_is_restored(client: Callable[..., Any]) -> None:
    secrets = client("secretsmanager")
    secrets.create_secret(Name="deleted", SecretString="one")
    secrets.delete_secret(SecretId="deleted", RecoveryWindowInDays=7)
    assert refused(secrets.get_secret_value, SecretId="deleted") == "InvalidRequestException"
    secrets.restore_secret(SecretId="deleted")
    assert secrets.get_secret_value(SecretId="deleted")["SecretString"] == "one"


@pytest.mark.rule(
    "a replica has the primary's value and follows it, and only the primary is written",
    USER_GUIDE + "replicate-secrets.html",
)
def test_a_replica_follows(client: Callable[..., Any]) -> None:
    here, there, name = client("secretsmanager"), client("secretsmanager", THERE), "replicated"
    here.create_secret(Name=name, SecretString="one", AddReplicaRegions=[{"Region": THERE}])
    assert there.get_secret_value(SecretId=name)["SecretString"] == "one"
    here.put_secret_value(SecretId=name, SecretString="two")
    wait_for(
        "the replica",
        lambda: there.get_secret_value(SecretId=name)["SecretString"],
        until=lambda value: value == "two",
        timeout=PATIENCE,
        clock=SystemClock(),
    )
    described = there.describe_secret(SecretId=name)
    assert described["PrimaryRegion"] == HERE
    assert f":{THERE}:" in described["ARN"]
    assert refused(there.put_secret_value, SecretId=name, SecretString="x") == "InvalidParameterException"


@pytest.mark.rule(
    "a replica keeps what it has while the primary is out of reach", USER_GUIDE + "replicate-secrets.html"
)
def test_a_replica_that_is_cut_off_keeps_its_value(client: Callable[..., Any], breaking: Breaking) -> None:
    here, there, name = client("secretsmanager"), client("secretsmanager", THERE), "cut-off"
    here.create_secret(Name=name, SecretString="before", AddReplicaRegions=[{"Region": THERE}])
    assert there.get_secret_value(SecretId=name)["SecretString"] == "before"
    breaking.link(HERE, THERE)
    here.put_secret_value(SecretId=name, SecretString="after")
    assert there.get_secret_value(SecretId=name)["SecretString"] == "before"
    assert here.describe_secret(SecretId=name)["ReplicationStatus"][0]["Status"] != "InSync"
    breaking.mend()
    assert here.describe_secret(SecretId=name)["ReplicationStatus"][0]["Status"] == "InSync"
    assert there.get_secret_value(SecretId=name)["SecretString"] == "after"


@pytest.mark.rule("a replica has nothing before its region is reached", USER_GUIDE + "replicate-secrets.html")
def test_a_replica_begun_out_of_reach_comes_later(client: Callable[..., Any], breaking: Breaking) -> None:
    here, there, name = client("secretsmanager"), client("secretsmanager", THERE), "begun-apart"
    here.create_secret(Name=name, SecretString="one")
    breaking.link(HERE, THERE)
    status = here.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": THERE}])["ReplicationStatus"]
    assert [one["Status"] for one in status] == ["InProgress"]
    assert refused(there.get_secret_value, SecretId=name) == "ResourceNotFoundException"
    breaking.mend()
    assert there.get_secret_value(SecretId=name)["SecretString"] == "one"


@pytest.mark.rule("a promoted replica is a secret of its own", API + "API_StopReplicationToReplica.html")
def test_a_replica_is_promoted_while_the_primary_is_dark(client: Callable[..., Any], breaking: Breaking) -> None:
    here, there, name = client("secretsmanager"), client("secretsmanager", THERE), "promoted"
    here.create_secret(Name=name, SecretString="one", AddReplicaRegions=[{"Region": THERE}])
    assert refused(here.stop_replication_to_replica, SecretId=name) == "InvalidRequestException"
    breaking.region(HERE)
    arn = there.describe_secret(SecretId=name)["ARN"]
    assert there.stop_replication_to_replica(SecretId=name)["ARN"] == arn
    there.put_secret_value(SecretId=name, SecretString="two")
    breaking.mend()
    assert here.get_secret_value(SecretId=name)["SecretString"] == "one"
    here.put_secret_value(SecretId=name, SecretString="three")
    assert there.get_secret_value(SecretId=name)["SecretString"] == "two"
    assert "PrimaryRegion" not in there.describe_secret(SecretId=name)


@pytest.mark.rule(
    "every version of a parameter can be read, by number and by label", SSM + "API_LabelParameterVersion.html"
)
def test_parameters_have_versions_and_labels(client: Callable[..., Any]) -> None:
    ssm, name = client("ssm"), "/parameters/versions"
    for number, value in enumerate(("one", "two", "three"), start=1):
        assert ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)["Version"] == number
    ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["good"])
    read = {suffix: ssm.get_parameter(Name=name + suffix)["Parameter"]["Value"] for suffix in ("", ":2", ":good")}
    assert read == {"": "three", ":2": "two", ":good": "one"}
    ssm.label_parameter_version(Name=name, Labels=["good"])
    assert ssm.get_parameter(Name=name + ":good")["Parameter"]["Value"] == "three"
    history = ssm.get_parameter_history(Name=name)["Parameters"]
    assert [(one["Version"], one["Value"], one["Labels"]) for one in history] == [
        (1, "one", []),
        (2, "two", []),
        (3, "three", ["good"]),
    ]


@pytest.mark.rule("what is not there is told by its own code", SSM + "API_GetParameter.html")
def test_missing_parameters_are_refused(client: Callable[..., Any]) -> None:
    ssm, missing = client("ssm"), "/parameters/missing"
    assert refused(ssm.label_parameter_version, Name=missing, Labels=["x"]) == "ParameterNotFound"
    assert refused(ssm.get_parameter, Name=missing) == "ParameterNotFound"
    assert refused(ssm.get_parameter_history, Name=missing) == "ParameterNotFound"
    assert refused(ssm.delete_parameter, Name=missing) == "ParameterNotFound"
    assert refused(ssm.unlabel_parameter_version, Name=missing, ParameterVersion=1, Labels=["x"]) == "ParameterNotFound"
    assert refused(ssm.get_parameter, Name=missing) == "ParameterNotFound"
    ssm.put_parameter(Name="/parameters/there", Value="x", Type="String")
    assert refused(ssm.get_parameter, Name="/parameters/there:9") == "ParameterVersionNotFound"
    assert refused(ssm.get_parameter, Name="/parameters/there:no-label") == "ParameterVersionNotFound"
    label = {"Name": "/parameters/there", "ParameterVersion": 9, "Labels": ["x"]}
    assert refused(ssm.label_parameter_version, **label) == "ParameterVersionNotFound"
    again = {"Name": "/parameters/there", "Value": "y", "Type": "String"}
    assert refused(ssm.put_parameter, **again) == "ParameterAlreadyExists"
    got = ssm.get_parameters(Names=["/parameters/there", missing])
    assert ([one["Name"] for one in got["Parameters"]], got["InvalidParameters"]) == (["/parameters/there"], [missing])


@pytest.mark.rule(
    "a path names the parameters below it, one level deep unless recursive", SSM + "API_GetParametersByPath.html"
)
def test_parameters_are_found_by_path(client: Callable[..., Any]) -> None:
    ssm = client("ssm")
    for name in ("/by-path/a", "/by-path/b/c", "/by-path-not/d", "/by-path"):
        ssm.put_parameter(Name=name, Value=name, Type="String")
    found = {one["Name"] for one in ssm.get_parameters_by_path(Path="/by-path")["Parameters"]}
    deep = {one["Name"] for one in ssm.get_parameters_by_path(Path="/by-path/", Recursive=True)["Parameters"]}
    assert (found, deep) == ({"/by-path/a"}, {"/by-path/a", "/by-path/b/c"})
    assert ssm.get_parameters_by_path(Path="/nothing-here")["Parameters"] == []
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/by-path", Recursive=True, MaxResults=1)
    assert [len(page["Parameters"]) for page in pages if page["Parameters"]] == [1, 1]


@pytest.mark.rule("a value that does not match AllowedPattern is refused", SSM + "API_PutParameter.html")
def test_a_parameter_keeps_its_pattern(client: Callable[..., Any]) -> None:
    ssm, name = client("ssm"), "/parameters/pattern"
    ssm.put_parameter(Name=name, Value="12", Type="String", AllowedPattern=r"^\d+$")
    wrong = {"Name": name, "Value": "twelve", "AllowedPattern": r"^\d+$", "Overwrite": True}
    assert refused(ssm.put_parameter, **wrong) == "ParameterPatternMismatchException"
    assert refused(ssm.put_parameter, **(wrong | {"AllowedPattern": "("})) == "InvalidAllowedPatternException"
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "12"


def refused(call: Callable[..., Any], **named: Any) -> str:
    """The error code of a call that must be refused."""
    with pytest.raises(ClientError) as error:
        call(**named)
    assert 400 <= error.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return str(error.value.response["Error"]["Code"])
