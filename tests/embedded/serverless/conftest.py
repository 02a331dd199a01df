"""Functions and APIs of one test, in the cloud that all tests of the folder above share."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from drillbook.embedded.process import Cloud

REGION = "eu-west-1"
_numbers = itertools.count(1)


def zipped(source: str, name: str = "index.py") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, source)
    return packed.getvalue()


@dataclass
class Function:
    """One function under test."""

    client: Any
    name: str
    arn: str

    def invoke(self, event: Any = None, **settings: Any) -> dict[str, Any]:
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event or {}).encode(), **settings)
        return {**answer, "said": json.loads(answer["Payload"].read() or b"null")}

    def say(self, event: Any = None, **settings: Any) -> Any:
        return self.invoke(event, **settings)["said"]

    def update(self, source: str) -> None:
        self.client.update_function_code(FunctionName=self.name, ZipFile=zipped(source))


@dataclass
class Api:
    """One REST API under test. ``url`` ends with the stage."""

    client: Any
    id: str
    root: str
    url: str
    http: urllib3.PoolManager

    def resource(self, *parts: str) -> str:
        parent = self.root
        for part in parts:
            parent = self.client.create_resource(restApiId=self.id, parentId=parent, pathPart=part)["id"]
        return parent

    def connect(self, resource: str, function: Function, method: str = "ANY", **settings: Any) -> None:
        uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function.arn}/invocations"
        where = {"restApiId": self.id, "resourceId": resource, "httpMethod": method}
        self.client.put_method(**where, authorizationType="NONE")
        self.client.put_integration(
            **where, **({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri} | settings)
        )

    def deploy(self, stage: str = "v1") -> str:
        return str(self.client.create_deployment(restApiId=self.id, stageName=stage)["id"])

    def request(self, path: str, method: str = "GET", **settings: Any) -> urllib3.BaseHTTPResponse:
        return self.http.request(method, self.url + path, retries=False, timeout=30, **settings)

    def patch(self, op: str, path: str, value: str = "") -> dict[str, Any]:
        operation = {"op": op, "path": path} | ({"value": value} if op != "remove" else {})
        answer = self.client.update_stage(restApiId=self.id, stageName="v1", patchOperations=[operation])
        return dict(answer)


@pytest.fixture(scope="session")
def role(client: Callable[..., Any]) -> str:
    return str(client("iam").create_role(RoleName="serverless", AssumeRolePolicyDocument="{}")["Role"]["Arn"])


@pytest.fixture
def function(client: Callable[..., Any], role: str) -> Callable[..., Function]:
    """``function(source, **settings of CreateFunction)`` deploys one."""

    def deploy(source: str, **settings: Any) -> Function:
        name = f"function-{next(_numbers)}"
        defaults = {"Runtime": "python3.12", "Role": role, "Handler": "index.handler", "Timeout": 20}
        code = {"Code": {"ZipFile": zipped(source)}} | settings
        made = client("lambda").create_function(FunctionName=name, **(defaults | code))
        return Function(client("lambda"), name, made["FunctionArn"])

    return deploy


@pytest.fixture(scope="session")
def http() -> Iterator[urllib3.PoolManager]:
    pool = urllib3.PoolManager(maxsize=8)
    yield pool
    pool.clear()


@pytest.fixture
def api(client: Callable[..., Any], cloud: Cloud, http: urllib3.PoolManager) -> Api:
    gateway = client("apigateway")
    made = gateway.create_rest_api(name=f"api-{next(_numbers)}")["id"]
    root = gateway.get_resources(restApiId=made)["items"][0]["id"]
    return Api(gateway, made, root, f"{cloud.endpoint}/_aws/execute-api/{made}/v1", http)
