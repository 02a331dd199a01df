"""What Lambda and API Gateway refuse, in their own words, and what is left as it was."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def functions(client: Client) -> Any:
    made = client("lambda")
    made.create_function(**settings(client))
    made.publish_version(FunctionName="refusing")
    made.create_alias(FunctionName="refusing", Name="live", FunctionVersion="1")
    made.add_permission(FunctionName="refusing", StatementId="one", Action="lambda:InvokeFunction", Principal="*")
    return made


def settings(client: Client, **more: Any) -> dict[str, Any]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return event")
    iam = client("iam")
    try:
        role = iam.get_role(RoleName="refusing")
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName="refusing", AssumeRolePolicyDocument=json.dumps(TRUST))
    return {
        "FunctionName": "refusing",
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": role["Role"]["Arn"],
        "Code": {"ZipFile": packed.getvalue()},
        **more,
    }


def code_of(call: Callable[..., Any], **asked: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**asked)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "more",
    [
        {"Code": {}},
        {"Runtime": "python1.0"},
        {"Environment": {"Variables": {"AWS_REGION": "mars"}}},
        {"Environment": {"Variables": {"LONG": "x" * 4096}}},
    ],
)
def test_a_function_that_is_refused_is_not_there(functions: Any, client: Client, more: dict[str, Any]) -> None:
    asked = settings(client, FunctionName="half-made", **more)
    assert code_of(functions.create_function, **asked) == "InvalidParameterValueException"
    assert "half-made" not in [one["FunctionName"] for one in functions.list_functions()["Functions"]]


def test_a_zip_needs_a_runtime_and_a_handler(functions: Any, client: Client) -> None:
    asked = settings(client, FunctionName="no-handler")
    del asked["Handler"]
    assert code_of(functions.create_function, **asked) == "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("update_function_code", {}, "InvalidParameterValueException"),
        ("delete_function", {"Qualifier": "$LATEST"}, "InvalidParameterValueException"),
        ("delete_function", {"Qualifier": "1"}, "ResourceConflictException"),
        ("create_alias", {"Name": "live", "FunctionVersion": "1"}, "ResourceConflictException"),
        ("create_alias", {"Name": "7", "FunctionVersion": "1"}, "ValidationException"),
        ("put_function_concurrency", {"ReservedConcurrentExecutions": 950}, "InvalidParameterValueException"),
        (
            "add_permission",
            {"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "*"},
            "ResourceConflictException",
        ),
        (
            "update_function_configuration",
            {"Environment": {"Variables": {"LAMBDA_TASK_ROOT": "/"}}},
            "InvalidParameterValueException",
        ),
    ],
)
def test_a_function_stays_as_it_was(functions: Any, operation: str, asked: dict[str, Any], code: str) -> None:
    before = functions.get_function_configuration(FunctionName="refusing")
    assert code_of(getattr(functions, operation), FunctionName="refusing", **asked) == code
    after = functions.get_function_configuration(FunctionName="refusing")
    assert (after["CodeSha256"], after.get("Environment")) == (before["CodeSha256"], before.get("Environment"))
    assert functions.get_alias(FunctionName="refusing", Name="live")["FunctionVersion"] == "1"


def test_the_account_tells_what_is_not_reserved(functions: Any) -> None:
    before = functions.get_account_settings()["AccountLimit"]
    functions.put_function_concurrency(FunctionName="refusing", ReservedConcurrentExecutions=100)
    after = functions.get_account_settings()["AccountLimit"]
    functions.delete_function_concurrency(FunctionName="refusing")
    assert before["UnreservedConcurrentExecutions"] - after["UnreservedConcurrentExecutions"] == 100
    assert after["ConcurrentExecutions"] == 1000


@pytest.fixture(scope="module")
def api(client: Client) -> dict[str, str]:
    gateway = client("apigateway")
    made = gateway.create_rest_api(name="refusing")["id"]
    root = gateway.get_resources(restApiId=made)["items"][0]["id"]
    child = gateway.create_resource(restApiId=made, parentId=root, pathPart="notes")["id"]
    gateway.put_method(restApiId=made, resourceId=child, httpMethod="GET", authorizationType="NONE")
    return {"restApiId": made, "root": root, "resourceId": child}


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("create_rest_api", {"name": ""}, "BadRequestException"),
        ("delete_rest_api", {"restApiId": "nothing"}, "NotFoundException"),
        ("create_resource", {"restApiId": "", "parentId": "", "pathPart": "notes"}, "ConflictException"),
        ("put_method", {"restApiId": "", "resourceId": "", "httpMethod": "FETCH", "authorizationType": "NONE"},
         "BadRequestException"),
        ("create_deployment", {"restApiId": "", "stageName": "prod"}, "BadRequestException"),
        ("create_stage", {"restApiId": "", "stageName": "prod", "deploymentId": "none"}, "BadRequestException"),
    ],
)  # fmt: skip
def test_an_api_stays_as_it_was(
    client: Client, api: dict[str, str], operation: str, asked: dict[str, str], code: str
) -> None:
    known = {**api, "parentId": api["root"]}
    gateway = client("apigateway")
    assert (
        code_of(getattr(gateway, operation), **{name: value or known.get(name, "") for name, value in asked.items()})
        == code
    )
    assert len(gateway.get_resources(restApiId=api["restApiId"])["items"]) == 2
    assert gateway.get_stages(restApiId=api["restApiId"])["item"] == []


def test_a_domain_name_takes_another_certificate_and_no_other_path(client: Client) -> None:
    gateway, arn = client("apigateway"), "arn:aws:acm:eu-west-1:111122223333:certificate/two"
    gateway.create_domain_name(domainName="api.refusing.example.com", endpointConfiguration={"types": ["REGIONAL"]})

    def update(path: str, op: str = "replace") -> Any:
        patch = {"op": op, "path": path, "value": arn}
        return gateway.update_domain_name(domainName="api.refusing.example.com", patchOperations=[patch])

    assert update("/regionalCertificateArn")["regionalCertificateArn"] == arn
    assert code_of(update, path="/domainName") == "BadRequestException"
    assert code_of(update, path="/securityPolicy", op="remove") == "BadRequestException"
