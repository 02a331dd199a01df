"""Requests of a wrong form: refused in the words of their service, never a failure of the cloud."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from drillbook.embedded import process
from drillbook.embedded.process import Cloud

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def careless(cloud: Cloud) -> Callable[[str], Any]:
    """``careless(service)``: a client that checks nothing itself."""

    def make(service: str) -> Any:
        settings = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=REGION, endpoint_url=cloud.endpoint, config=settings, **keys)

    return make


@pytest.mark.parametrize(
    ("service", "operation", "asked", "code"),
    [
        ("dynamodb", "put_item", {"Item": {}}, "ValidationException"),
        ("dynamodb", "get_item", {}, "ValidationException"),
        ("dynamodb", "describe_table", {}, "ValidationException"),
        ("dynamodb", "batch_write_item", {"RequestItems": {}}, "ValidationException"),
        ("dynamodb", "transact_get_items", {"TransactItems": []}, "ValidationException"),
        ("dynamodb", "update_table", {"TableName": "nn", "ReplicaUpdates": [{"Create": {}}]}, "ValidationException"),
        ("lambda", "create_function", {}, "ValidationException"),
        ("lambda", "put_function_concurrency", {"FunctionName": "nothing"}, "ValidationException"),
        ("apigateway", "create_rest_api", {}, "BadRequestException"),
        ("route53", "create_health_check", {"CallerReference": "x", "HealthCheckConfig": {}}, "InvalidInput"),
        ("cloudfront", "create_distribution", {"DistributionConfig": {}}, "MalformedInput"),
        ("secretsmanager", "get_secret_value", {}, ("ValidationException", "InvalidParameterException")),
        ("kms", "describe_key", {}, "ValidationException"),
    ],
)
def test_what_is_missing_is_the_callers_fault(
    cloud: Cloud, careless: Callable[[str], Any], service: str, operation: str, asked: Any, code: str
) -> None:
    before = process.status(cloud)["crashes"]["count"]
    with pytest.raises(ClientError) as refused:
        getattr(careless(service), operation)(**asked)
    assert refused.value.response["Error"]["Code"] in code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert process.status(cloud)["crashes"]["count"] == before


@pytest.mark.parametrize(
    "body", ["[]", '{"TableName": ["x"], "Item": 7}', '{"TableName": "notes", "Limit": "many"}', "{"]
)
def test_json_of_another_shape_is_refused(cloud: Cloud, body: str) -> None:
    scope = f"Credential=test/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.Scan",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}",
        "Content-Type": "application/x-amz-json-1.0",
    }
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(cloud.endpoint, body.encode(), headers))
    with refused.value as answer:
        assert answer.status == 400
        assert "Exception" in json.load(answer)["__type"]
