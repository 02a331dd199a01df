"""Lambda as the embedded cloud's API shows it: moto keeps the functions, here they run, and moto's inexactness ends.

What is made true: Invoke (all three types, log tail, executed version, aliases with weights), reserved concurrency,
code from S3 at a version and only valid zips, versions that never change and whose numbers are never used again,
``LastModified``, and a ``Code.Location`` that can be downloaded.

Not emulated: resource policies and roles (nobody is refused), VPC, layers and file systems, SnapStart, dead letters
and destinations, provisioned concurrency.
"""

from __future__ import annotations

import base64
import copy
import os
import random
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.awslambda import urls
from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.core.utils import iso_8601_datetime_with_nanoseconds

from drillbook.embedded.functions import aliases, refusals
from drillbook.embedded.functions import code as functions_code
from drillbook.embedded.functions import log as functions_log
from drillbook.embedded.functions.runtime import FunctionRuntime, region_lost, runtime_of
from drillbook.embedded.functions.sandbox import Outcome
from drillbook.embedded.functions.sandbox_pool import RegionDark
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

DOWNLOADS = "/_aws/lambda-code/"
RESERVABLE = 1000
"""Concurrent executions of one region, of which functions may reserve all but 100. Source: "Configuring reserved
concurrency" (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html)."""


def plane() -> Functions:
    return Functions()


class Functions:
    """The plane. Also a door: function code is downloaded through it."""

    name = "functions"

    def __init__(self) -> None:
        self._runtime: FunctionRuntime | None = None
        self._downloads: dict[str, bytes] = {}
        self._patches = ExitStack()

    def install(self, cloud: CloudState) -> None:
        self._runtime = runtime_of(cloud)
        cloud.domains.listen(self._runtime.changed)
        for owner, name, replacement in (
            (LambdaResponse, "invoke", _invoke_request(LambdaResponse.invoke)),
            (LambdaBackend, "invoke", _invoke(self._runtime)),
            (LambdaBackend, "create_function", refusals.create_function(LambdaBackend.create_function)),
            (LambdaBackend, "add_permission", refusals.add_permission(LambdaBackend.add_permission)),
            (LambdaBackend, "delete_function", refusals.delete_function(LambdaBackend.delete_function)),
            (LambdaFunction, "invoke", _invoke_for_a_service(self._runtime)),
            (LambdaFunction, "_set_function_code", _set_function_code(LambdaFunction._set_function_code)),
            (LambdaBackend, "update_function_code", _update_function_code),
            (LambdaFunction, "update_configuration", _update_configuration(LambdaFunction.update_configuration)),
            (LambdaFunction, "get_code", _get_code(LambdaFunction.get_code, cloud.endpoint, self._downloads)),
            (LambdaStorage, "publish_version", _publish_version),
            (LambdaStorage, "put_alias", aliases.put_alias(LambdaStorage.put_alias)),
            (LambdaStorage, "update_alias", aliases.update_alias(LambdaStorage.update_alias)),
        ):
            self._patches.enter_context(mock.patch.object(owner, name, replacement))
        self._patches.enter_context(
            mock.patch.object(LambdaResponse, "get_account_settings", _get_account_settings, create=True)
        )
        paths = {r"{0}/(?P<api_version>[^/]+)/account-settings/?$": LambdaResponse.dispatch}
        self._patches.enter_context(mock.patch.dict(urls.url_paths, paths))
        quota = {"MOTO_LAMBDA_CONCURRENCY_QUOTA": str(RESERVABLE)}
        self._patches.enter_context(mock.patch.dict(os.environ, quota))

    def status(self) -> dict[str, Json]:
        runtime = self._runtime
        return {"sandboxes": runtime.pool.pids(), "broken_starts": runtime.broken_starts} if runtime else {}

    def close(self) -> None:
        self._patches.close()
        if self._runtime is not None:
            self._runtime.close()

    def matches(self, environ: dict[str, Any]) -> bool:
        return str(environ["PATH_INFO"]).startswith(DOWNLOADS)

    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]:
        code = self._downloads.get(str(environ["PATH_INFO"]).removeprefix(DOWNLOADS))
        if code is None:
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"]
        start_response("200 OK", [("Content-Type", "application/zip")])
        return [code]


def _invoke_request(original: Callable[..., Any]) -> Callable[..., Any]:
    def invoke(request: LambdaResponse) -> Any:
        """moto looks for ``qualifier``; the API, and so boto3, says ``Qualifier``."""
        if "Qualifier" in request.querystring:
            request.querystring["qualifier"] = request.querystring["Qualifier"]
        return original(request)

    return invoke


def _invoke(runtime: FunctionRuntime) -> Callable[..., bytes]:
    def invoke(
        backend: LambdaBackend,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: Any,
    ) -> bytes:
        function, named = _version_to_run(backend, function_name, qualifier)
        response_headers["X-Amz-Executed-Version"] = str(function.version)
        payload = _bytes(body) or b"{}"
        match headers.get("X-Amz-Invocation-Type") or headers.get("x-amz-invocation-type"):
            case "DryRun":
                return b""
            case "Event":
                runtime.invoke_later(function, payload, qualifier=named)
                return b""
        try:
            outcome = runtime.invoke(function, payload, qualifier=named)
        except RegionDark:  # A client hears nothing: the door holds the answer back. Other planes do.
            raise region_lost() from None
        tail = functions_log.tail(function, outcome)
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        return _answer(outcome, response_headers)

    return invoke


def _get_account_settings(request: LambdaResponse) -> ActionResult:
    return ActionResult(refusals.account_settings(request.backend, RESERVABLE))


def _version_to_run(backend: LambdaBackend, name: str, qualifier: str | None) -> tuple[LambdaFunction, str]:
    """The function behind a name, ARN, version or alias, and the qualifier it was called by ("" for none).

    An alias with AdditionalVersionWeights answers with one of its versions by chance, as on AWS
    (https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html).
    """
    function = backend.get_function(name, qualifier)
    tail = name.split(":function:")[-1].split(":")[1:]
    named = tail[0] if tail else (qualifier or "")
    alias = next((one for one in backend.list_aliases(function.function_name) if one.name == named), None)
    routing: Any = alias.routing_config if alias else None
    weights: dict[str, float] = (routing or {}).get("AdditionalVersionWeights") or {}
    drawn = random.random()
    for version, weight in weights.items():
        drawn -= weight
        if drawn < 0:
            return backend.get_function(function.function_name, version), named
    return function, named


def _invoke_for_a_service(runtime: FunctionRuntime) -> Callable[..., bytes]:
    """SNS topics, streams and queues of moto invoke through the function itself; they keep what is not delivered."""

    def invoke(function: LambdaFunction, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        del request_headers
        return _answer(runtime.invoke_when_lit(function, _bytes(body) or b"{}"), response_headers)

    return invoke


def _answer(outcome: Outcome, response_headers: Any) -> bytes:
    if outcome.error:
        response_headers["x-amz-function-error"] = outcome.error
    response_headers["Content-Length"] = str(len(outcome.payload))
    return outcome.payload


def _set_function_code(original: Callable[..., None]) -> Callable[..., None]:
    def set_function_code(function: LambdaFunction, spec: dict[str, Any]) -> None:
        if not functions_code.set_code(function, spec):
            original(function, spec)

    return set_function_code


def _update_function_code(
    backend: LambdaBackend, function_name: str, qualifier: str | None, body: dict[str, Any]
) -> dict[str, Any]:
    function = backend.get_function(function_name, qualifier)
    refusals.refuse_no_code(body)
    if not body.get("DryRun"):
        function.update_function_code(body)
        function.last_modified = iso_8601_datetime_with_nanoseconds()
        if body.get("Publish"):
            function = backend.publish_version(function_name) or function
    return function.get_configuration()


def _update_configuration(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def update_configuration(function: LambdaFunction, updates: dict[str, Any]) -> dict[str, Any]:
        """``Environment`` replaces all variables: who gives one loses the others. So does AWS."""
        if "Environment" in updates:
            variables = updates["Environment"].get("Variables") or {}
            refusals.refuse_variables(variables)
            updates = updates | {"Environment": {"Variables": variables}}
        function.last_modified = iso_8601_datetime_with_nanoseconds()
        return original(function, updates)

    return update_configuration


def _get_code(
    original: Callable[..., dict[str, Any]], endpoint: str, downloads: dict[str, bytes]
) -> Callable[..., dict[str, Any]]:
    def get_code(function: LambdaFunction) -> dict[str, Any]:
        answer = original(function)
        if function.package_type == "Zip":
            downloads[function.code_digest] = function.code_bytes
            answer["Code"]["Location"] = f"{endpoint}{DOWNLOADS}{function.code_digest}"
        if function.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return answer

    return get_code


def _publish_version(storage: LambdaStorage, name_or_arn: str, description: str = "") -> LambdaFunction:
    """A version that never changes. Publishing without a change since the last one returns the last one."""
    latest = storage.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    versions: list[LambdaFunction] = storage._functions[latest.function_name]["versions"]
    if versions and not latest.code_or_config_updated:
        return versions[-1]
    number = getattr(latest, "drillbook_published", 0) + 1
    # Kept with the function, so that a saved world does not give a number twice.
    vars(latest).update(drillbook_published=number, code_or_config_updated=False)
    version = copy.copy(latest)
    version.set_version(number)
    version.description = description or latest.description
    versions.append(version)
    storage._arns[version.function_arn] = version
    return version


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")
