"""Requests reach functions through API Gateway, and fail as they do there."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

EVENT = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
ANSWER = "def handler(event, context):\n    return {answer}\n"


@pytest.fixture
def product_api(api: Any, function: Callable[..., Any]) -> Any:
    one = function(EVENT)
    api.connect(api.resource("products"), one)
    api.deploy()
    return api


def test_a_request_becomes_an_event_and_the_answer_a_response(api: Any, function: Callable[..., Any]) -> None:
    one = function(EVENT)
    api.connect(api.resource("products", "{key}"), one, "PUT")
    api.deploy()
    got = api.request(
        "/products/a%20b?x=1&x=2&y=%C3%B6", "PUT", body=b'{"n": 1}', headers={"Content-Type": "application/json"}
    )
    event = json.loads(got.data)

    assert (got.status, got.headers["Content-Type"]) == (200, "application/json")
    assert got.headers["x-amzn-RequestId"] == event["requestContext"]["requestId"]
    assert (event["resource"], event["path"]) == ("/products/{key}", "/products/a b")
    assert (event["httpMethod"], event["pathParameters"]) == ("PUT", {"key": "a b"})
    assert event["queryStringParameters"] == {"x": "2", "y": "ö"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": ["ö"]}
    assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1}', False)
    assert event["headers"]["Content-Type"] == "application/json"
    assert event["requestContext"]["stage"] == "v1"


def test_nothing_sent_is_none_and_not_empty(product_api: Any) -> None:
    event = json.loads(product_api.request("/products").data)

    absent = ("queryStringParameters", "pathParameters", "stageVariables", "body")
    assert {name: event[name] for name in absent} == dict.fromkeys(absent)


def test_an_api_is_reached_by_its_host_name_too(product_api: Any, cloud: Any) -> None:
    host = f"{product_api.id}.execute-api.eu-west-1.amazonaws.com"
    got = product_api.http.request("GET", f"{cloud.endpoint}/v1/products", headers={"Host": host})

    assert json.loads(got.data)["requestContext"]["domainName"] == host


def test_literal_segments_win_over_parameters_and_these_over_proxies(api: Any, function: Callable[..., Any]) -> None:
    said = "def handler(event, context):\n    return {'statusCode': 200, 'body': event['resource']}\n"
    one = function(said)
    for parts in (("{proxy+}",), ("a",), ("b",)):
        api.connect(api.resource(*parts), one)
    under_b = next(r for r in api.client.get_resources(restApiId=api.id)["items"] if r["path"] == "/b")["id"]
    for part in ("{key}", "new"):
        made = api.client.create_resource(restApiId=api.id, parentId=under_b, pathPart=part)["id"]
        api.connect(made, one)
    api.deploy()

    found = {path: api.request(path).data.decode() for path in ("/a", "/a/", "/a/x", "/b/new", "/b/1", "/b/1/2")}
    assert found == {
        "/a": "/a", "/a/": "/a", "/a/x": "/{proxy+}", "/b/new": "/b/new", "/b/1": "/b/{key}", "/b/1/2": "/{proxy+}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "message"), [("/nothing", "Missing Authentication Token"), ("/", "Missing Authentication Token")]
)
def test_no_route_is_403(product_api: Any, path: str, message: str) -> None:
    got = product_api.request(path)

    assert (got.status, json.loads(got.data)) == (403, {"message": message})
    assert got.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_a_method_that_was_not_deployed_is_403(api: Any, function: Callable[..., Any]) -> None:
    api.connect(api.resource("products"), function(EVENT), "GET")
    api.deploy()

    assert api.request("/products").status == 200
    assert api.request("/products", "POST").status == 403


def test_an_unknown_api_or_stage_is_forbidden(product_api: Any, cloud: Any) -> None:
    for url in (f"{cloud.endpoint}/_aws/execute-api/{product_api.id}/v2/products", product_api.url.replace("/v1", "")):
        got = product_api.http.request("GET", url)
        assert (got.status, json.loads(got.data)) == (403, {"message": "Forbidden"})


def test_a_deleted_stage_is_forbidden_until_it_is_deployed_again(product_api: Any) -> None:
    product_api.client.delete_stage(restApiId=product_api.id, stageName="v1")
    assert product_api.request("/products").status == 403
    product_api.deploy()

    assert product_api.request("/products").status == 200


def test_a_change_is_served_only_after_a_deployment(product_api: Any, function: Callable[..., Any]) -> None:
    product_api.connect(product_api.resource("orders"), function(EVENT))
    assert product_api.request("/orders").status == 403
    product_api.deploy()

    assert product_api.request("/orders").status == 200


def test_a_stage_can_go_back_to_an_earlier_deployment(product_api: Any) -> None:
    first = product_api.client.get_stage(restApiId=product_api.id, stageName="v1")["deploymentId"]
    resource = next(r for r in product_api.client.get_resources(restApiId=product_api.id)["items"] if "pathPart" in r)
    product_api.client.delete_resource(restApiId=product_api.id, resourceId=resource["id"])
    product_api.client.put_method(
        restApiId=product_api.id, resourceId=product_api.root, httpMethod="GET", authorizationType="NONE"
    )
    product_api.client.put_integration(
        restApiId=product_api.id, resourceId=product_api.root, httpMethod="GET", type="MOCK"
    )
    product_api.deploy()
    assert product_api.request("/products").status == 403
    product_api.patch("replace", "/deploymentId", first)

    assert product_api.request("/products").status == 200
    with pytest.raises(ClientError, match=r"BadRequestException.*Deployment id does not exist"):
        product_api.patch("replace", "/deploymentId", "nosuch")


@pytest.mark.parametrize(
    "answer",
    ["1 / 0", "'text'", "{}", "{'statusCode': 'x'}", "{'statusCode': 200, 'body': {'a': 1}}", "None",
     "{'statusCode': 200, 'headers': {'X': {}}}"],
)  # fmt: skip
def test_a_function_that_fails_or_answers_nonsense_is_502(api: Any, function: Callable[..., Any], answer: str) -> None:
    api.connect(api.resource("products"), function(ANSWER.format(answer=answer)))
    api.deploy()
    got = api.request("/products")

    assert (got.status, json.loads(got.data)) == (502, {"message": "Internal server error"})


def test_a_function_that_times_out_is_502(api: Any, function: Callable[..., Any]) -> None:
    slow = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
    api.connect(api.resource("products"), function(slow, Timeout=1))
    api.deploy()

    assert api.request("/products").status == 502


def test_an_integration_that_takes_too_long_is_504(api: Any, function: Callable[..., Any]) -> None:
    slow = "import time\ndef handler(event, context):\n    time.sleep(3)\n"
    api.connect(api.resource("products"), function(slow), timeoutInMillis=200)
    api.deploy()
    got = api.request("/products")

    assert (got.status, json.loads(got.data)) == (504, {"message": "Endpoint request timed out"})


def test_a_throttled_or_missing_function_is_500(api: Any, function: Callable[..., Any]) -> None:
    one = function(EVENT)
    api.connect(api.resource("products"), one)
    api.deploy()
    one.client.put_function_concurrency(FunctionName=one.name, ReservedConcurrentExecutions=0)
    throttled = api.request("/products")
    one.client.delete_function(FunctionName=one.name)
    missing = api.request("/products")

    assert [got.status for got in (throttled, missing)] == [500, 500]
    assert json.loads(throttled.data) == {"message": "Internal server error"}


def test_the_functions_status_headers_and_binary_body_arrive(api: Any, function: Callable[..., Any]) -> None:
    body = base64.b64encode(bytes(range(256))).decode()
    answer = {
        "statusCode": "201",
        "headers": {"Content-Type": "image/png", "X-Count": 3, "Content-Length": "1"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": body,
        "isBase64Encoded": True,
    }
    api.client.update_rest_api(
        restApiId=api.id, patchOperations=[{"op": "add", "path": "/binaryMediaTypes/image~1png"}]
    )
    api.connect(api.resource("picture"), function(ANSWER.format(answer=answer)))
    api.deploy()
    got = api.request("/picture")

    assert (got.status, got.data) == (201, bytes(range(256)))
    assert (got.headers["X-Count"], got.headers.getlist("Set-Cookie")) == ("3", ["a=1", "b=2"])


def test_a_binary_body_reaches_the_function_in_base64(api: Any, function: Callable[..., Any]) -> None:
    api.client.update_rest_api(
        restApiId=api.id, patchOperations=[{"op": "add", "path": "/binaryMediaTypes/image~1png"}]
    )
    api.connect(api.resource("picture"), function(EVENT))
    api.deploy()
    got = api.request("/picture", "POST", body=b"\x00\xff", headers={"Content-Type": "image/png"})
    event = json.loads(got.data)

    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x00\xff", True)


def test_a_rate_limit_of_nothing_lets_nobody_through_until_it_is_removed(product_api: Any) -> None:
    product_api.patch("replace", "/*/*/throttling/rateLimit", "0")
    got = product_api.request("/products")
    assert (got.status, json.loads(got.data)) == (429, {"message": "Too Many Requests"})
    assert got.headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    product_api.patch("remove", "/*/*")

    assert product_api.request("/products").status == 200


def test_a_limit_for_one_method_leaves_the_others(product_api: Any, function: Callable[..., Any]) -> None:
    product_api.connect(product_api.resource("orders"), function(EVENT), "GET")
    product_api.deploy()
    product_api.patch("replace", "/~1orders/GET/throttling/burstLimit", "0")

    assert [product_api.request(path).status for path in ("/orders", "/products")] == [429, 200]


def test_a_deployment_leaves_the_stage_its_settings(product_api: Any) -> None:
    product_api.patch("replace", "/*/*/throttling/rateLimit", "0")
    product_api.deploy()

    assert product_api.request("/products").status == 429


@pytest.mark.parametrize("path", ["/throttle/rateLimit", "/*/*/throttling/rate", "/nothing", "/*/*"])
def test_a_wrong_patch_path_is_refused(product_api: Any, path: str) -> None:
    with pytest.raises(ClientError) as refused:
        product_api.patch("replace", path, "0")

    told = refused.value.response["Error"]
    assert told["Code"] == "BadRequestException"
    assert told["Message"].startswith(f"Invalid method setting path: {path}. Must be one of: [/deploymentId, ")


def test_an_api_whose_own_address_is_disabled_is_forbidden(product_api: Any) -> None:
    for value, status in (("true", 403), ("false", 200)):
        operation = {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": value}
        product_api.client.update_rest_api(restApiId=product_api.id, patchOperations=[operation])
        assert product_api.request("/products").status == status


def test_stage_variables_reach_the_event_and_the_integration(api: Any, function: Callable[..., Any]) -> None:
    one = function(EVENT)
    uri = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
    uri += "arn:aws:lambda:eu-west-1:111122223333:function:${stageVariables.name}/invocations"
    api.connect(api.resource("products"), one, uri=uri)
    api.client.create_deployment(restApiId=api.id, stageName="v1", variables={"name": one.name})

    assert json.loads(api.request("/products").data)["stageVariables"] == {"name": one.name}


def test_a_mock_answers_what_it_was_told(api: Any, function: Callable[..., Any]) -> None:
    where = {"restApiId": api.id, "resourceId": api.resource("health"), "httpMethod": "GET"}
    api.client.put_method(**where, authorizationType="NONE")
    api.client.put_method_response(**where, statusCode="200")
    api.client.put_integration(**where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    api.client.put_integration_response(
        **where,
        statusCode="200",
        responseTemplates={"application/json": '{"healthy": true}'},
        responseParameters={"method.response.header.X-Region": "'eu-west-1'"},
    )
    api.deploy()
    got = api.request("/health")

    assert (got.status, json.loads(got.data), got.headers["X-Region"]) == (200, {"healthy": True}, "eu-west-1")


def test_an_http_proxy_hands_the_request_on(api: Any, backend: str) -> None:
    where = {"restApiId": api.id, "resourceId": api.resource("{rest+}"), "httpMethod": "ANY"}
    api.client.put_method(**where, authorizationType="NONE")
    api.client.put_integration(**where, type="HTTP_PROXY", integrationHttpMethod="ANY", uri=backend + "/{rest}")
    api.deploy()
    got = api.request("/some/path", "POST", body=b"hello")

    assert (got.status, got.data) == (418, b"POST /some/path hello")


def test_requests_and_errors_are_counted(product_api: Any, client: Callable[..., Any]) -> None:
    name = product_api.client.get_rest_api(restApiId=product_api.id)["name"]
    for path in ("/products", "/products", "/nothing"):
        product_api.request(path)

    def sums() -> dict[str, float]:
        return {metric: _sum(client("cloudwatch"), metric, name) for metric in ("Count", "4XXError", "5XXError")}

    assert wait_for("the metrics", sums, timeout=2, clock=SystemClock()) == {
        "Count": 3.0, "4XXError": 1.0, "5XXError": 0.0,
    }  # fmt: skip


def _sum(cloudwatch: Any, metric: str, api: str) -> float:
    now = SystemClock().now()
    query = {
        "Id": "m1",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/ApiGateway",
                "MetricName": metric,
                "Dimensions": [{"Name": "ApiName", "Value": api}, {"Name": "Stage", "Value": "v1"}],
            },
            "Period": 86400,
            "Stat": "Sum",
        },
    }
    until = now.replace(year=now.year + 1, day=1)
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=now.replace(hour=0, minute=0, second=0), EndTime=until
    )
    return float(sum(found["MetricDataResults"][0]["Values"]))


@pytest.fixture
def backend() -> Any:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Teapot)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Teapot(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = f"POST {self.path} ".encode() + self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(418)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def test_many_requests_in_a_row_use_one_connection(product_api: Any) -> None:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", int(product_api.url.split(":")[2].split("/")[0]), maxsize=1)
    path = product_api.url.partition("/_aws")[2]
    for _ in range(5):
        assert pool.request("GET", f"/_aws{path}/products").status == 200
    assert pool.num_connections == 1
    pool.close()
