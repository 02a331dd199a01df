"""Integrations: AWS_PROXY (a Lambda function), MOCK and HTTP_PROXY.

Source for the event and the answer: "Lambda proxy integrations in API Gateway", payload format 1.0
(https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3
from moto.apigateway.models import Integration, RestAPI, Stage
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction, lambda_backends

from drillbook.embedded import faulty
from drillbook.embedded.addresses import region_at
from drillbook.embedded.crash import BLAME
from drillbook.embedded.dns.names import canonical, service_address
from drillbook.embedded.dns.places import place_of
from drillbook.embedded.dns.plane import names_of
from drillbook.embedded.front_door.request import (
    BAD_INTEGRATION,
    REJECTED_INTEGRATION,
    TIMED_OUT,
    Answer,
    Request,
)
from drillbook.embedded.front_door.routes import Match
from drillbook.embedded.functions.runtime import FunctionRuntime, Rejected
from drillbook.embedded.functions.sandbox_pool import RegionDark
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

INTEGRATION_LIMIT = 29.0
"""Seconds, not scaled: requests take as long as they take. Source: "Amazon API Gateway quotas", integration timeout."""
_FUNCTION = re.compile(
    r":lambda:path/[^/]+/functions/(arn:aws[a-z-]*:lambda:([a-z0-9-]+):(\d{12}):function:[^/]+)/invocations"
)
_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"}
_PORTS = {"http": 80, "https": 443}
_pool = urllib3.PoolManager(maxsize=16, retries=False)


class Malformed(Exception):
    """The function answered something that is no HTTP response."""


@dataclass(frozen=True)
class Call:
    """A request that has found its route."""

    request: Request
    match: Match
    api: RestAPI
    stage: Stage

    @property
    def integration(self) -> Integration:
        return self.match.route.integration

    @property
    def limit(self) -> float:
        return min(INTEGRATION_LIMIT, float(self.integration.timeout_in_millis or 29_000) / 1000)

    @property
    def uri(self) -> str:
        """The integration's address with ``${stageVariables.name}`` filled in."""
        variables = self.stage.variables
        return re.sub(r"\$\{stageVariables\.(\w+)\}", lambda one: str(variables.get(one[1], "")), self.integration.uri)


def integrate(call: Call, runtime: FunctionRuntime) -> Answer:
    match call.integration.integration_type:
        case "AWS_PROXY":
            return _function(call, runtime)
        case "MOCK":
            return _mock(call.integration)
        case "HTTP_PROXY":
            return _http(call, runtime.cloud)
    raise NotImplementedError(f"the embedded front door has no {call.integration.integration_type} integration")


def _function(call: Call, runtime: FunctionRuntime) -> Answer:
    found = _FUNCTION.search(call.uri)
    if found is None:
        return REJECTED_INTEGRATION
    arn, region, account = found.groups()
    if refusal := _unreachable(call, runtime.cloud, region):
        return refusal
    try:
        function = lambda_backends[account][region].get_function(arn)
    except LambdaClientError:
        return REJECTED_INTEGRATION
    qualifier = ":".join(arn.split(":")[7:])
    return _within(call.limit, function, lambda: _invoke(call, runtime, function, qualifier))


def _unreachable(call: Call, cloud: CloudState, region: str) -> Answer | None:
    """What the gateway answers when Lambda in the function's region cannot be reached or fails; None if it serves."""
    if not cloud.domains.now.linked(str(call.api.region_name), region):
        return _timed_out(call, cloud)
    fault = cloud.domains.now.service(region, "lambda")
    if fault is None or not faulty.strikes(fault):
        return None
    if fault.kind == "slow":
        cloud.clock.sleep(min(fault.seconds, call.limit))
        return TIMED_OUT if fault.seconds > call.limit else None
    return REJECTED_INTEGRATION


def _timed_out(call: Call, cloud: CloudState) -> Answer:
    """Nobody answers there; the gateway gives up after its limit, in AWS seconds."""
    cloud.clock.sleep(cloud.aws_seconds(call.limit))
    return TIMED_OUT


def _within(limit: float, function: LambdaFunction, work: Callable[[], Answer]) -> Answer:
    """The answer of ``work``, or 504 when it takes too long. The function then runs on, as on AWS."""
    if float(function.timeout or 3) < limit:
        return work()
    waiter = ThreadPoolExecutor(1)
    try:
        return waiter.submit(work).result(limit)
    except TimeoutError:
        return TIMED_OUT
    finally:
        waiter.shutdown(wait=False)


def _invoke(call: Call, runtime: FunctionRuntime, function: LambdaFunction, qualifier: str) -> Answer:
    try:
        outcome = runtime.invoke(function, json.dumps(event(call)).encode(), qualifier=qualifier)
    except RegionDark:
        return TIMED_OUT
    except Rejected as rejected:
        blame = tuple((name, value) for name, value in rejected.get_headers() if name == BLAME)
        return replace(REJECTED_INTEGRATION, headers=REJECTED_INTEGRATION.headers + blame)
    if outcome.error:
        return BAD_INTEGRATION
    try:
        return answer_of(json.loads(outcome.payload), binary=bool(call.api.binaryMediaTypes))
    except (Malformed, ValueError):
        return BAD_INTEGRATION


def event(call: Call) -> dict[str, Json]:
    """What the function gets."""
    request, route = call.request, call.match.route
    body, encoded = _body(request, call.api)
    return {
        "resource": route.resource,
        "path": unquote(request.asked if request.custom else request.path),
        "httpMethod": request.method,
        "headers": dict(request.headers) or None,
        "multiValueHeaders": _multiple(request.headers),
        "queryStringParameters": dict(request.query) or None,
        "multiValueQueryStringParameters": _multiple(request.query),
        "pathParameters": call.match.parameters or None,
        "stageVariables": call.stage.variables or None,
        "requestContext": _context(call),
        "body": body,
        "isBase64Encoded": encoded,
    }


def _context(call: Call) -> dict[str, Json]:
    request, route = call.request, call.match.route
    return {
        "accountId": call.api.account_id,
        "apiId": call.api.id,
        "deploymentId": call.stage.deployment_id,
        "domainName": request.host,
        "domainPrefix": request.host.partition(".")[0] if request.custom else request.api_id,
        "extendedRequestId": request.id[:15] + "=",
        "httpMethod": request.method,
        "identity": {"sourceIp": request.source_ip, "userAgent": request.header("user-agent") or None},
        "path": unquote(request.asked),
        "protocol": "HTTP/1.1",
        "requestId": request.id,
        "resourceId": route.resource_id,
        "resourcePath": route.resource,
        "stage": request.stage,
    }


def _body(request: Request, api: RestAPI) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if kind in api.binaryMediaTypes or "*/*" in api.binaryMediaTypes:
        return base64.b64encode(request.body).decode(), True
    return request.body.decode("utf-8", "replace"), False


def _multiple(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]] | None:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found or None


def answer_of(said: Any, *, binary: bool) -> Answer:
    """The HTTP response in a function's answer. Raises Malformed if there is none."""
    if not isinstance(said, dict):
        raise Malformed("not an object")
    try:
        status = int(said["statusCode"])
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("no status code") from error
    body = said.get("body")
    if not 100 <= status <= 599 or not (body is None or isinstance(body, str)):
        raise Malformed("a status or body that HTTP does not have")
    return Answer(status, _decoded(body or "", said, binary), _answer_headers(said))


def _decoded(body: str, said: dict[str, Any], binary: bool) -> bytes:
    if not (binary and said.get("isBase64Encoded")):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise Malformed("a body that is not base64") from error


def _answer_headers(said: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    single, multiple = said.get("headers") or {}, said.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise Malformed("headers that are no object")
    pairs = [(name, _text(value)) for name, values in multiple.items() for value in values]
    taken = {name.lower() for name, _ in pairs} | _HOP_BY_HOP
    pairs += [(name, _text(value)) for name, value in single.items() if name.lower() not in taken]
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", "application/json"))
    return tuple(pairs)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise Malformed("a header that is no text")


def _mock(integration: Integration) -> Answer:
    """The integration response of the status code that the request template names, literally (no VTL)."""
    template = str((integration.request_templates or {}).get("application/json") or "")
    asked = re.search(r'"?statusCode"?\s*:\s*(\d{3})', template)
    responses = integration.integration_responses or {}
    if asked is None or asked[1] not in responses:
        return REJECTED_INTEGRATION
    response = responses[asked[1]]
    headers = [("Content-Type", "application/json")]
    for name, value in (response.response_parameters or {}).items():
        headers.append((name.removeprefix("method.response.header."), str(value).strip("'")))
    body = (response.response_templates or {}).get("application/json") or ""
    return Answer(int(asked[1]), body.encode(), tuple(headers))


def _forwarded(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers if name.lower() not in _HOP_BY_HOP | {"host"}}


def _http(call: Call, cloud: CloudState) -> Answer:
    """The request handed on as it is, ``{parameter}`` in the address filled from the path. Names of the cloud's hosted
    zones, and of AWS, are resolved by its name servers, all others by the machine's."""
    uri = re.sub(r"\{(\w+)\+?\}", lambda one: call.match.parameters.get(one[1], ""), call.uri)
    url, headers = urlsplit(uri), _forwarded(call.request)
    name = url.hostname or ""
    if names_of(cloud).zone_of(canonical(name)) or service_address(name):
        address = names_of(cloud).address(name)
        if address is None:
            return REJECTED_INTEGRATION
        place = place_of(cloud, address, url.port or _PORTS[url.scheme], tls=url.scheme == "https")
        scheme = "https" if place.tls else "http"
        uri = urlunsplit(url._replace(scheme=scheme, netloc=f"{place.address}:{place.port}"))
        headers["Host"] = url.netloc
    there = region_at(urlsplit(uri).hostname or "")
    if there and not cloud.domains.now.linked(str(call.api.region_name), there):
        return _timed_out(call, cloud)
    try:
        got = _pool.request(
            str(call.integration.http_method) if call.integration.http_method != "ANY" else call.request.method,
            uri,
            fields=None,
            body=call.request.body or None,
            headers=headers,
            timeout=call.limit,
        )
    except urllib3.exceptions.TimeoutError:
        return TIMED_OUT
    except urllib3.exceptions.HTTPError:
        return REJECTED_INTEGRATION
    kept = tuple((name, value) for name, value in got.headers.items() if name.lower() not in _HOP_BY_HOP)
    return Answer(got.status, got.data, kept)
