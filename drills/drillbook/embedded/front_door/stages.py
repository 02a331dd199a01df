"""Stages and APIs: what updating them accepts and does, and how fast requests may come.

Sources: "Patch operations", UpdateStage (https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html) and
"Throttle requests to your REST APIs" (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.apigateway.exceptions import BadRequestException
from moto.apigateway.models import APIGatewayBackend, Deployment, RestAPI, Stage

from drillbook.clock import Clock

_SETTINGS = (
    "metrics/enabled", "logging/dataTrace", "logging/loglevel", "throttling/burstLimit", "throttling/rateLimit",
    "caching/ttlInSeconds", "caching/enabled", "caching/dataEncrypted",
    "caching/requireAuthorizationForCacheControl", "caching/unauthorizedCacheControlHeaderStrategy",
)  # fmt: skip
_PATHS = (
    "/deploymentId", "/description", "/cacheClusterEnabled", "/cacheClusterSize", "/clientCertificateId",
    "/documentationVersion", "/tracingEnabled", "/accessLogSettings", "/accessLogSettings/destinationArn",
    "/accessLogSettings/format", "/variables/{variableName}", "/canarySettings/…",
    *(f"/{{resourcePath}}/{{httpMethod}}/{setting}" for setting in _SETTINGS),
    *(f"/*/*/{setting}" for setting in _SETTINGS),
)  # fmt: skip
_PLAIN = {path for path in _PATHS if "{" not in path and "*" not in path}
_METHOD_SETTING = re.compile(rf"/[^/]+/[^/]+(/({'|'.join(map(re.escape, _SETTINGS))}))?")
_RESET = re.compile(r"/([^/]+/[^/]+)")


def check_patches(api: RestAPI, operations: list[dict[str, Any]]) -> None:
    """Raises BadRequestException for a path that no stage has, and for a deployment that is not there."""
    for operation in operations:
        path = operation.get("path", "")
        if not _is_known(path, operation.get("op", "")):
            raise BadRequestException(f"Invalid method setting path: {path}. Must be one of: [{', '.join(_PATHS)}]")
        if path.endswith(("/rateLimit", "/burstLimit", "/ttlInSeconds")) and not _is_number(operation):
            raise BadRequestException(f"Invalid value '{operation.get('value')}' for path {path}: not a number")
        if path == "/deploymentId" and operation.get("value") not in api.deployments:
            raise BadRequestException("Deployment id does not exist")


def _is_number(operation: dict[str, Any]) -> bool:
    """Whole, unless it is a rate; a removed setting needs none."""
    if operation.get("op") == "remove":
        return True
    number = r"-?\d+(\.\d+)?" if operation["path"].endswith("/rateLimit") else r"-?\d+"
    return re.fullmatch(number, str(operation.get("value"))) is not None


def _is_known(path: str, op: str) -> bool:
    if path in _PLAIN or re.fullmatch(r"/variables/\w+|/canarySettings/.+", path):
        return True
    found = _METHOD_SETTING.fullmatch(path)
    return bool(found and (found.group(1) or op == "remove"))


def update_stage(original: Callable[..., Stage]) -> Callable[..., Stage]:
    """UpdateStage that refuses wrong paths, and whose ``remove`` drops the settings of a method (moto ignores it)."""

    def update(backend: APIGatewayBackend, function_id: str, stage_name: str, patch_operations: Any) -> Stage:
        check_patches(backend.get_rest_api(function_id), patch_operations)
        stage = original(backend, function_id, stage_name, patch_operations)
        for operation in patch_operations:
            dropped = _RESET.fullmatch(operation["path"])
            if operation["op"] == "remove" and dropped:
                stage.method_settings.pop(dropped.group(1), None)
        return stage

    return update


def patch_rest_api(original: Callable[..., None]) -> Callable[..., None]:
    """UpdateRestApi whose media types are in the path (``/binaryMediaTypes/image~1png``), whose flags may be off."""

    def patch(api: RestAPI, patch_operations: list[dict[str, Any]]) -> None:
        for operation in patch_operations:
            head, _, media_type = operation["path"].removeprefix("/").partition("/")
            if head == "binaryMediaTypes" and media_type:
                operation = operation | {"value": media_type.replace("~1", "/")}
            original(api, [operation])
            if head == "disableExecuteApiEndpoint":
                api.disableExecuteApiEndpoint = str(operation.get("value")).lower() == "true"

    return patch


def create_deployment(
    original: Callable[..., Deployment], deployed: Callable[[RestAPI, Deployment], None]
) -> Callable[..., Deployment]:
    """CreateDeployment that leaves an existing stage its settings and variables (moto makes a new stage)."""

    def create(api: RestAPI, name: str, description: str, stage_variables: Any = None) -> Deployment:
        stage = api.stages.get(name) if name else None
        deployment = original(api, name, description, stage_variables)
        if stage is not None:
            stage.deployment_id = deployment.id
            stage.variables = {**stage.variables, **(stage_variables or {})}
            api.stages[name] = stage
        deployed(api, deployment)
        return deployment

    return create


@dataclass
class _Bucket:
    tokens: float
    at: float


class Throttle:
    """A token bucket for each throttled method of each stage. Times are monotonic seconds, never scaled."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._buckets: dict[tuple[str, str, str, float, float], _Bucket] = {}

    def admits(self, api_id: str, stage: Stage, resource: str, method: str) -> bool:
        """May this request pass? A rate or burst of 0 lets nobody pass."""
        name, limits = self._limits(stage, resource, method)
        if limits is None:
            return True
        rate, burst = limits
        with self._lock:
            now = self._clock.monotonic()
            key = (api_id, str(stage.name), name, rate, burst)
            bucket = self._buckets.setdefault(key, _Bucket(burst, now))
            bucket.tokens, bucket.at = min(burst, bucket.tokens + rate * (now - bucket.at)), now
            if rate <= 0 or bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True

    def _limits(self, stage: Stage, resource: str, method: str) -> tuple[str, tuple[float, float] | None]:
        """The method's own settings, or else those of ``*/*``."""
        escaped = resource.replace("/", "~1")
        for name in (f"{escaped}/{method}", f"{escaped.removeprefix('~1')}/{method}", "*/*"):
            if settings := stage.method_settings.get(name):
                return name, (float(settings["throttlingRateLimit"]), float(settings["throttlingBurstLimit"]))
        return "", None
