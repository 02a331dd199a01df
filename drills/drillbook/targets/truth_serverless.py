"""Truth probes of what runs a request: Lambda, API Gateway's front door, and CloudWatch's alarms."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import urllib3
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.errors import TemporaryError
from drillbook.targets.truth import TAG, Clients, TruthProbe, Untrue
from drillbook.targets.truth_probing import equals
from drillbook.waiting import wait_for

_clock = SystemClock()
T = TypeVar("T")
_READY = 60.0
"""Seconds for a role, function or stage to be usable. Not scaled: an embedded cloud does it at once."""
_ALARM = 60.0
"""AWS seconds in which an alarm with periods of 10 s must have changed."""

_SAYS = "import os\ndef handler(event, context):\n    return {{'code': {code!r}, 'colour': os.environ.get('COLOUR')}}\n"
_BREAKS = "def handler(event, context):\n    raise ValueError('on purpose')\n"
_ANSWERS = "def handler(event, context):\n    return {'statusCode': 200, 'body': event['httpMethod'] + event['path']}\n"
_ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@dataclass(frozen=True)
class _Function:
    """A function of a probe's own."""

    client: Any
    name: str
    arn: str

    def invoke(self, **settings: Any) -> tuple[str, dict[str, Any]]:
        """FunctionError ("" for none) and the answer, which is an object for all code of these probes."""
        answer = self.client.invoke(FunctionName=self.name, Payload=b"{}", **settings)
        payload = answer["Payload"].read()
        try:
            said = json.loads(payload)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Untrue(f"the function answers {payload[:200]!r}, which its code does not")
        return answer.get("FunctionError", ""), said

    def update(self, source: str) -> None:
        self.client.update_function_code(FunctionName=self.name, ZipFile=_zip(source))
        self.settled()

    def settled(self) -> None:
        """Wait until no creation or update is under way."""
        _await(f"{self.name} to be ready", lambda: self._ready(), bool)

    def publish(self) -> str:
        return str(self.client.publish_version(FunctionName=self.name)["Version"])

    def _ready(self) -> bool:
        now = self.client.get_function_configuration(FunctionName=self.name)
        if now["State"] == "Failed":
            raise Untrue(f"the function is in state Failed: {now.get('StateReason', 'no reason given')}")
        return (now["State"], now.get("LastUpdateStatus", "Successful")) == ("Active", "Successful")


def _lambda_invoke(session: Clients) -> None:
    with _function(session, "lambda.invoke", _SAYS.format(code="first"), COLOUR="blue", TASTE="sweet") as function:
        _expect("the answer of the code", function.invoke(), ("", {"code": "first", "colour": "blue"}))
        function.client.update_function_configuration(
            FunctionName=function.name, Environment={"Variables": {"COLOUR": "red"}}
        )
        function.settled()
        kept = function.client.get_function_configuration(FunctionName=function.name)["Environment"]["Variables"]
        _expect("the variables after Environment was given anew", kept, {"COLOUR": "red"})
        function.update(_SAYS.format(code="second"))
        _expect("the answer of new code", function.invoke(), ("", {"code": "second", "colour": "red"}))
        function.update(_BREAKS)
        error, told = function.invoke()
        _expect("the error of a handler that raises", (error, told.get("errorMessage")), ("Unhandled", "on purpose"))


def _lambda_versions(session: Clients) -> None:
    with _function(session, "lambda.versions", _SAYS.format(code="first")) as function:
        first = function.publish()
        function.client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=first)
        function.update(_SAYS.format(code="second"))
        second = function.publish()
        found = [function.invoke(Qualifier=name)[1].get("code") for name in (first, second, "live")]
        _expect("what version 1, version 2 and the alias answer", found, ["first", "second", "first"])
        function.client.update_alias(FunctionName=function.name, Name="live", FunctionVersion=second)
        _await("the alias to follow", lambda: function.invoke(Qualifier="live")[1].get("code"), equals("second"))


def _lambda_concurrency(session: Clients) -> None:
    with _function(session, "lambda.concurrency", _SAYS.format(code="runs")) as function:
        _expect("the answer without a limit", function.invoke()[1].get("code"), "runs")
        function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
        _await("a reserved concurrency of 0 to stop the function", lambda: _throttled(function), bool)
        function.client.delete_function_concurrency(FunctionName=function.name)
        _await("the function to run again", lambda: not _throttled(function), bool)


def _front_door(session: Clients) -> None:
    capability = "apigateway.front_door"
    with _function(session, capability, _ANSWERS) as function, _api(session, function, capability) as (_, api):
        door = _Door(_url(session, api))
        _await("the deployed API to answer", lambda: door.get("/products"), equals((200, "GET/products")))
        _expect("an unknown path's status", door.get("/nothing")[0], 403)
        function.update(_BREAKS)
        _await("a broken function to be 502", lambda: door.get("/products")[0], equals(502))


def _throttling(session: Clients) -> None:
    capability = "apigateway.throttling"
    with _function(session, capability, _ANSWERS) as function, _api(session, function, capability) as (gateway, api):
        door = _Door(_url(session, api))
        _await("the deployed API to answer", lambda: door.get("/products"), equals((200, "GET/products")))
        stop = [{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "0"}]
        gateway.update_stage(restApiId=api, stageName="probe", patchOperations=stop)
        _await("a rate limit of 0 to be 429", lambda: door.get("/products")[0], equals(429))


def _alarms(session: Clients) -> None:
    """Of two metrics that differ in a dimension only one is the alarm's; and no data can be said to be good data."""
    cloudwatch, name = session.client("cloudwatch"), _name("cloudwatch.alarms")
    quiet = f"{name}-quiet"
    limit = _ALARM / session.speed + 5

    def state_after(value: float) -> str:
        own = {"MetricName": name, "Value": value, "StorageResolution": 1, "Dimensions": _dimension("own")}
        cloudwatch.put_metric_data(Namespace=TAG, MetricData=[own, own | {"Value": 9.0, "Dimensions": _dimension("b")}])
        return _state(cloudwatch, name)

    settings = {"Statistic": "Maximum", "Period": 10, "EvaluationPeriods": 1, "Threshold": 1.0, "Namespace": TAG}
    settings |= {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Dimensions": _dimension("own")}
    settings |= {"Tags": [{"Key": TAG, "Value": "cloudwatch.alarms"}]}
    cloudwatch.put_metric_alarm(AlarmName=name, MetricName=name, **settings)
    cloudwatch.put_metric_alarm(AlarmName=quiet, MetricName=quiet, TreatMissingData="notBreaching", **settings)
    try:
        for value, expected in ((0.0, "OK"), (5.0, "ALARM"), (0.0, "OK")):
            what = f"the alarm to be {expected} while its metric is {value:g} (threshold 1) and another's is 9"
            _await(what, lambda value=value: state_after(value), equals(expected), timeout=limit)  # type: ignore[misc]
        what = "an alarm without data to be OK, whose missing data are not breaching"
        _await(what, lambda: _state(cloudwatch, quiet), equals("OK"), timeout=limit)
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name, quiet])


def _dimension(value: str) -> list[dict[str, str]]:
    return [{"Name": "probe", "Value": value}]


def _state(cloudwatch: Any, alarm: str) -> str:
    found = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found[0]["StateValue"]) if found else "no alarm"


@contextmanager
def _function(session: Clients, capability: str, source: str, **variables: str) -> Iterator[_Function]:
    client, name = session.client("lambda"), _name(capability)
    with ExitStack() as removal:
        role = _role(session, name, capability)
        removal.callback(session.client("iam").delete_role, RoleName=name)
        settings = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": role,
            "Handler": "index.handler",
            "Code": {"ZipFile": _zip(source)},
            "Environment": {"Variables": variables},
            "Tags": {TAG: capability},
        }
        made = _await("a function that may use its role", lambda: _created(client, settings), bool)
        removal.callback(client.delete_function, FunctionName=name)
        function = _Function(client, name, made["FunctionArn"])
        function.settled()
        yield function


def _role(session: Clients, name: str, capability: str) -> str:
    trust = json.dumps({"Version": "2012-10-17", "Statement": [_ASSUME]})
    tags = [{"Key": TAG, "Value": capability}]
    made = session.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags)
    return str(made["Role"]["Arn"])


def _created(client: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A new role is usable some seconds later (IAM, "Changes that I make are not always immediately visible")."""
    try:
        return dict(client.create_function(**settings))
    except client.exceptions.InvalidParameterValueException as error:
        if "cannot be assumed" not in str(error):
            raise
        raise TemporaryError(str(error), code="InvalidParameterValueException") from error


@contextmanager
def _api(session: Clients, function: _Function, capability: str) -> Iterator[tuple[Any, str]]:
    """A REST API with /products, deployed to the stage ``probe``."""
    gateway = session.client("apigateway")
    api = gateway.create_rest_api(name=function.name, tags={TAG: capability})["id"]
    try:
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="products")["id"]
        where = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
        gateway.put_method(**where, authorizationType="NONE")
        uri = f"arn:aws:apigateway:{session.region}:lambda:path/2015-03-31/functions/{function.arn}/invocations"
        gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        function.client.add_permission(
            FunctionName=function.name,
            StatementId="probe",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
        gateway.create_deployment(restApiId=api, stageName="probe")
        yield gateway, api
    finally:
        gateway.delete_rest_api(restApiId=api)


class _Door:
    """An API as its clients see it."""

    def __init__(self, url: str) -> None:
        self._url, self._pool = url, urllib3.PoolManager(retries=False)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; TemporaryError where there is no HTTP answer at all."""
        try:
            got = self._pool.request("GET", self._url + path, timeout=35)
        except urllib3.exceptions.HTTPError as error:
            raise TemporaryError(f"GET {self._url}{path}: {error}") from error
        return got.status, got.data.decode("utf-8", "replace")


def _url(session: Clients, api: str) -> str:
    if session.endpoint is None:
        return f"https://{api}.execute-api.{session.region}.amazonaws.com/probe"
    return f"{session.endpoint}/_aws/execute-api/{api}/probe"


def _throttled(function: _Function) -> bool:
    try:
        function.invoke()
    except ClientError as error:
        if error.response["Error"]["Code"] != "TooManyRequestsException":
            raise
        return True
    return False


def _await(what: str, look: Callable[[], T], until: Callable[[T], bool], *, timeout: float | None = None) -> T:
    return wait_for(what, look, until=until, timeout=_READY if timeout is None else timeout, clock=_clock, interval=0.1)


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Untrue(f"{what} is {found!r}, not {expected!r}")


def _name(capability: str) -> str:
    return f"{TAG}-{capability.replace('.', '-').replace('_', '-')}-{uuid4().hex[:8]}"


def _zip(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()


_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg"
PROBES = {
    probe.capability: probe
    for probe in (
        TruthProbe(
            "lambda.invoke",
            f"the deployed code runs, with its environment, and fails as code fails ({_LAMBDA}/invocation-sync.html)",
            _lambda_invoke,
        ),
        TruthProbe(
            "lambda.versions",
            f"published versions never change, and aliases follow ({_LAMBDA}/configuration-versions.html)",
            _lambda_versions,
        ),
        TruthProbe(
            "lambda.concurrency",
            f"a reserved concurrency of 0 stops a function ({_LAMBDA}/configuration-concurrency.html)",
            _lambda_concurrency,
        ),
        TruthProbe(
            "apigateway.front_door",
            "a deployed API invokes its function, and answers 403 and 502 itself"
            " (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html)",
            _front_door,
        ),
        TruthProbe(
            "apigateway.throttling",
            "a stage with a rate limit of 0 answers 429"
            " (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html)",
            _throttling,
        ),
        TruthProbe(
            "cloudwatch.alarms",
            "alarms follow their metric"
            " (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html)",
            _alarms,
        ),
    )
}
