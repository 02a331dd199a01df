"""Lambda and the front door of the embedded cloud, beside an API call that does nothing, in one run.

    python bench/functions.py [calls]

The baseline is ``GetFunctionConfiguration`` on the same server: what HTTP, boto3 and moto cost without
running a function.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import urllib3

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.process import Cloud

REGION = "eu-west-1"
PURE = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n"
WITH_BOTO3 = "import boto3\nclient = boto3.client('dynamodb')\n" + PURE
clock = SystemClock()


def main(calls: int) -> None:
    with tempfile.TemporaryDirectory() as state:
        cloud = process.start(Path(state), owner=os.getpid(), speed=100)
        try:
            measure(cloud, calls)
        finally:
            process.stop(cloud)


def measure(cloud: Cloud, calls: int) -> None:
    client = client_of(cloud, "lambda")
    role = client_of(cloud, "iam").create_role(RoleName="bench", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    arn = deploy(client, role, "pure", PURE)
    deploy(client, role, "boto3", WITH_BOTO3)
    url = front_door(cloud, arn)
    http = urllib3.PoolManager()

    report("cold start, pure", [timed(lambda: client.invoke(FunctionName="pure"))])
    report("cold start, imports boto3 and makes a client", [timed(lambda: client.invoke(FunctionName="boto3"))])
    base = repeated(calls, lambda: client.get_function_configuration(FunctionName="pure"))
    warm = repeated(calls, lambda: client.invoke(FunctionName="pure"))
    door = repeated(calls, lambda: http.request("GET", url))
    report("baseline: GetFunctionConfiguration by boto3", base)
    report("warm invoke by boto3 (target: median 10 ms)", warm)
    report("warm request through the front door (target: median 20 ms)", door)
    print(f"warm invoke / baseline: {statistics.median(warm) / statistics.median(base):.2f}")


def client_of(cloud: Cloud, service: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=cloud.endpoint,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )


def deploy(client: Any, role: str, name: str, source: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Timeout=30,
        Code={"ZipFile": packed.getvalue()},
    )
    return str(made["FunctionArn"])


def front_door(cloud: Cloud, arn: str) -> str:
    gateway = client_of(cloud, "apigateway")
    api = gateway.create_rest_api(name="bench")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    where = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="v1")
    return f"{cloud.endpoint}/_aws/execute-api/{api}/v1/"


def timed(work: Callable[[], Any]) -> float:
    began = clock.monotonic()
    work()
    return clock.monotonic() - began


def repeated(calls: int, work: Callable[[], Any]) -> list[float]:
    for _ in range(10):
        work()
    return [timed(work) for _ in range(calls)]


def report(what: str, seconds: list[float]) -> None:
    ordered = sorted(value * 1000 for value in seconds)
    figures = {"median_ms": statistics.median(ordered), "p95_ms": ordered[int(0.95 * (len(ordered) - 1))]}
    print(f"{what}: {json.dumps({name: round(value, 2) for name, value in figures.items()})}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
