"""Functions and REST APIs for the tests of Lambda and API Gateway, made with boto3 alone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import urllib3

from .conftest import HERE, Endpoint

Client = Callable[..., Any]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ANSWER = """
import json, os
def handler(event, context):
    told = {"region": os.environ["AWS_REGION"], "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"]}
    if "httpMethod" not in event:
        return told
    told["event"] = {name: event[name] for name in ("path", "resource", "httpMethod", "stageVariables")}
    told["context"] = {name: event["requestContext"][name] for name in ("path", "stage", "domainName")}
    return {"statusCode": 200, "body": json.dumps(told)}
"""


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()


def make_function(client: Client, name: str, source: str = ANSWER, region: str = HERE) -> str:
    """The function's ARN, when it can be invoked."""
    functions = client("lambda", region)
    arn = functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=_role(client("iam")),
        Handler="index.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=20,
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return str(arn)


def _role(iam: Any) -> str:
    try:
        made = iam.create_role(RoleName="conformance-function", AssumeRolePolicyDocument=json.dumps(TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName="conformance-function")
    return str(made["Role"]["Arn"])


def say(functions: Any, name: str, event: Any = None, **settings: Any) -> Any:
    """What the function answers."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event or {}).encode(), **settings)
    return json.loads(answer["Payload"].read() or b"null")


def make_api(client: Client, name: str, function: str, region: str = HERE, stage: str = "prod") -> str:
    """The id of a REST API that hands every path to the function, deployed to ``stage``."""
    gateway = client("apigateway", region)
    api = gateway.create_rest_api(name=name, endpointConfiguration={"types": ["REGIONAL"]})["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    proxy = gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    for resource in (root, proxy):
        where = {"restApiId": api, "resourceId": resource, "httpMethod": "ANY"}
        gateway.put_method(**where, authorizationType="NONE")
        uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
        gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName=stage)
    return str(api)


def get(endpoint: Endpoint, host: str, path: str = "/", address: str = "") -> tuple[int, Any]:
    """Status and JSON of a request to ``host`` at the endpoint, or at another address with its port. No retries."""
    where = urlsplit(endpoint.url)
    url = f"http://{address or where.hostname}:{where.port}{path}"
    answer = urllib3.request("GET", url, headers={"Host": host}, retries=False, timeout=20)
    return answer.status, json.loads(answer.data)


def host_of(api: str, region: str = HERE) -> str:
    return f"{api}.execute-api.{region}.amazonaws.com"
