"""Secrets Manager, KMS and parameters: what AWS's API alone does not show."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

HERE = "us-east-1"
FAST = 86_400.0
"""An AWS day in a second."""

ROTATION = """
import boto3

def handler(event, context):
    api, secret, token = boto3.client("secretsmanager"), event["SecretId"], event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        api.put_secret_value(SecretId=secret, ClientRequestToken=token, SecretString=token,
                             VersionStages=["AWSPENDING"])
    if event["Step"] == "finishSecret":
        versions = api.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(number for number, stages in versions.items() if "AWSCURRENT" in stages)
        api.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                        RemoveFromVersionId=current)
"""


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = process.start(tmp_path_factory.mktemp("fast"), owner=os.getpid(), speed=FAST)
    yield running
    process.stop(running)


@pytest.fixture(scope="module")
def api(fast: Cloud) -> Iterator[Callable[[str], Any]]:
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(
                service,
                region_name=HERE,
                endpoint_url=fast.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
            )
        return made[service]

    yield client
    for one in made.values():
        one.close()


def seen(what: str, look: Callable[[], Any], until: Callable[[Any], bool] = bool) -> Any:
    return wait_for(what, look, until=until, timeout=60, clock=SystemClock())


def a_function(api: Callable[[str], Any], name: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", ROTATION)
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    document = json.dumps({"Version": "2012-10-17"} | trust)
    role = api("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    made = api("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=60,
    )
    return str(made["FunctionArn"])


def test_a_secret_rotates_by_itself_after_its_days(api: Callable[[str], Any], fast: Cloud) -> None:
    secrets = api("secretsmanager")
    first = secrets.create_secret(Name="daily", SecretString="one")["VersionId"]
    secrets.rotate_secret(
        SecretId="daily", RotationLambdaARN=a_function(api, "daily"), RotationRules={"AutomaticallyAfterDays": 1}
    )
    seen("three rotations", lambda: process.status(fast)["planes"]["secrets"]["rotated"], lambda done: done >= 3)
    secrets.cancel_rotate_secret(SecretId="daily")
    described = secrets.describe_secret(SecretId="daily")
    assert described["RotationEnabled"] is False
    assert described["LastRotatedDate"]
    assert first not in {number for number, stages in described["VersionIdsToStages"].items() if stages}


def test_a_test_of_the_configuration_leaves_no_version(api: Callable[[str], Any]) -> None:
    secrets = api("secretsmanager")
    first = secrets.create_secret(Name="tested", SecretString="one")["VersionId"]
    secrets.rotate_secret(SecretId="tested", RotationLambdaARN=a_function(api, "tested"), RotateImmediately=False)
    versions = seen(
        "the test to end",
        lambda: secrets.describe_secret(SecretId="tested")["VersionIdsToStages"],
        lambda found: len(found) == 1,
    )
    assert versions == {first: ["AWSCURRENT"]}


def test_rotation_days_have_limits(api: Callable[[str], Any]) -> None:
    secrets = api("secretsmanager")
    secrets.create_secret(Name="days", SecretString="one")
    call = {"SecretId": "days", "RotationLambdaARN": a_function(api, "days")}
    with pytest.raises(ClientError, match="InvalidParameterException"):
        secrets.rotate_secret(**call, RotationRules={"AutomaticallyAfterDays": 1001})
    assert secrets.get_secret_value(SecretId="days")["SecretString"] == "one"


@pytest.mark.slow
def test_a_key_is_gone_when_its_waiting_period_is_over(api: Callable[[str], Any]) -> None:
    kms = api("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    ciphertext = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)  # 7 s here

    def described() -> str:
        try:
            return str(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"])
        except kms.exceptions.NotFoundException:
            return "gone"

    assert described() == "PendingDeletion"
    seen("the key to go", described, lambda state: state == "gone")
    with pytest.raises(ClientError):
        kms.decrypt(CiphertextBlob=ciphertext)


def test_a_stack_makes_parameters_and_secrets(api: Callable[[str], Any]) -> None:
    template = {
        "Resources": {
            "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/stack/p", "Type": "String", "Value": "v"}},
            "S": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "stack-s", "SecretString": "s"}},
        }
    }
    api("cloudformation").create_stack(StackName="secrets", TemplateBody=json.dumps(template))
    seen(
        "the stack",
        lambda: api("cloudformation").describe_stacks(StackName="secrets")["Stacks"][0]["StackStatus"],
        lambda status: status == "CREATE_COMPLETE",
    )
    assert api("ssm").get_parameter(Name="/stack/p")["Parameter"]["Value"] == "v"
    assert api("secretsmanager").get_secret_value(SecretId="stack-s")["SecretString"] == "s"


def test_secrets_and_keys_are_not_in_the_status(api: Callable[[str], Any], fast: Cloud) -> None:
    api("secretsmanager").create_secret(Name="hidden", SecretString="hunter2-in-the-status")
    assert "hunter2" not in json.dumps(process.status(fast))
