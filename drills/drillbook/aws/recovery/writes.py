"""Stop writes at the front door, and let them in again: throttle the methods that write to 0.

A method's throttling is set at ``/{resource path}/{method}/throttling/rateLimit`` and ``…/burstLimit`` of its stage,
with the path's slashes as ``~1`` (AWS: "Patch operations", UpdateStage). There is no ``/throttle/rateLimit``.

A method that gets settings of its own no longer has those of the whole stage (``*/*``), so these are copied first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.recovery.setting import Setting
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

Method = tuple[str, str]
"""Resource path and HTTP method: ``("/products/{id}", "PUT")``."""
WRITING = ("POST", "PUT", "PATCH", "DELETE")
_PATCHED = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
    "cachingEnabled": "caching/enabled",
    "cacheTtlInSeconds": "caching/ttlInSeconds",
    "cacheDataEncrypted": "caching/dataEncrypted",
    "requireAuthorizationForCacheControl": "caching/requireAuthorizationForCacheControl",
    "unauthorizedCacheControlHeaderStrategy": "caching/unauthorizedCacheControlHeaderStrategy",
}
_NOTHING = {"throttlingRateLimit": 0, "throttlingBurstLimit": 0}


class MethodThrottleSettings(Settings):
    api: str
    stage: str
    path: str
    method: str
    limits: dict[str, Json] | None
    """``throttlingRateLimit``, ``throttlingBurstLimit`` and others; None drops the method's own settings."""
    region: str | None = None


class MethodThrottle(Setting[MethodThrottleSettings]):
    """How often one method of a stage may be called."""

    Settings = MethodThrottleSettings
    service = "apigateway"

    def describe(self) -> str:
        wanted = self.settings
        rate = (
            "as its stage says" if wanted.limits is None else f"to {wanted.limits.get('throttlingRateLimit')} a second"
        )
        return f"throttle {wanted.method} {wanted.path} of {wanted.api}/{wanted.stage} {rate}"

    def touches(self) -> list[str]:
        return [f"arn:aws:apigateway:{self.region}::/restapis/{self.settings.api}/stages/{self.settings.stage}"]

    def read(self) -> Json:
        """The method's own settings, or None."""
        own = self._all().get((self.settings.path, self.settings.method))
        return None if own is None else {name: own[name] for name in _PATCHED if name in own}

    def wanted(self, before: Json) -> Json:
        if self.settings.limits is None:
            return None
        of_the_stage = self._all().get(("*", "*"), {})
        kept = before or {name: of_the_stage[name] for name in _PATCHED if name in of_the_stage}
        return kept | self.settings.limits

    def write(self, state: Json) -> None:
        place = f"/{self.settings.path.replace('/', '~1')}/{self.settings.method}"
        patch = [{"op": "remove", "path": place}]
        if state is not None:
            present = self.read() or {}
            patch = [
                {"op": "replace", "path": f"{place}/{_PATCHED[name]}", "value": _text(value)}
                for name, value in state.items()
                if present.get(name) != value
            ]
        self.client.update_stage(restApiId=self.settings.api, stageName=self.settings.stage, patchOperations=patch)

    def restored(self, before: Json) -> bool:
        """So it is, too, if the API is gone: a standby's is removed once traffic is home, with its writes stopped."""
        try:
            return super().restored(before)
        except PermanentError as error:
            if error.code == "NotFoundException":
                return True
            raise

    def _all(self) -> dict[Method, dict[str, Any]]:
        stage = self.client.get_stage(restApiId=self.settings.api, stageName=self.settings.stage)
        return {_place_of(name): settings for name, settings in stage.get("methodSettings", {}).items()}


def stop(world: World, api: str, stage: str, methods: Iterable[Method] = (), *, region: str | None = None) -> None:
    """Answer 429 to the methods given, or to all that write; what limited them before is kept for ``resume``.

    API Gateway takes some seconds to do so everywhere: let the step's ``verify`` send a write that must be refused.
    Raises PermanentError for a stage that is not there, and if no method is given and a resource takes ``ANY``.
    """
    for path, method in list(methods) or writing(world, api, region=region):
        change = _throttle(world, api, stage, (path, method), _NOTHING, region)
        if not change.is_done():
            _note(world, api, stage, region, (path, method), change.capture())
            make(world, MethodThrottle, change.settings)


def resume(world: World, api: str, stage: str, *, region: str | None = None) -> None:
    """Let in again what this run stopped, as it was before."""
    for method, before in _stopped(world, api, stage, region):
        change = _throttle(world, api, stage, method, before, region)
        if change.capture() != before:
            make(world, MethodThrottle, change.settings)


def are_stopped(
    world: World, api: str, stage: str, methods: Iterable[Method] = (), *, region: str | None = None
) -> bool:
    """Is nothing that writes let in?"""
    asked = list(methods) or writing(world, api, region=region)
    return all(_throttle(world, api, stage, each, _NOTHING, region).is_done() for each in asked)


def are_resumed(world: World, api: str, stage: str, *, region: str | None = None) -> bool:
    """Is everything that this run stopped as it was before?"""
    stopped = _stopped(world, api, stage, region)
    return all(_throttle(world, api, stage, each, before, region).capture() == before for each, before in stopped)


def writing(world: World, api: str, *, region: str | None = None) -> list[Method]:
    """The methods of the API that write. Raises PermanentError for ``ANY``, which would stop reads as well."""
    with calling(f"read the methods of the API {api}"):
        pages = session_of(world).client("apigateway", region).get_paginator("get_resources").paginate(restApiId=api)
        items = [item for page in pages for item in page["items"]]
    found = [(item["path"], method) for item in items for method in item.get("resourceMethods", {})]
    if any_of := [path for path, method in found if method == "ANY"]:
        raise PermanentError(
            f"{any_of[0]} of the API {api} takes any method, so writes cannot be throttled apart from reads",
            do="name the methods to stop, or stop the functions that write by their concurrency",
        )
    return sorted((path, method) for path, method in found if method in WRITING)


# -- what this run stopped --------------------------------------------------------------------------------------------


def _note(world: World, api: str, stage: str, region: str | None, method: Method, before: Json) -> None:
    key = _key(api, stage, region)
    noted = recall(world, key) or []
    if list(method) not in [each["method"] for each in noted]:
        remember(world, key, [*noted, {"method": list(method), "before": before}])


def _stopped(world: World, api: str, stage: str, region: str | None) -> list[tuple[Method, Json]]:
    noted = recall(world, _key(api, stage, region)) or []
    return [((each["method"][0], each["method"][1]), each["before"]) for each in noted]


def _key(api: str, stage: str, region: str | None) -> str:
    return f"stopped methods of {api} {stage} {region or ''}"


def _throttle(world: World, api: str, stage: str, method: Method, limits: Json, region: str | None) -> MethodThrottle:
    settings = MethodThrottleSettings(
        api=api, stage=stage, path=method[0], method=method[1], limits=limits, region=region
    )
    return MethodThrottle(world, settings)


def _place_of(name: str) -> Method:
    """``~1products~1{id}/PUT``, or the same without its first slash: API Gateway tells both."""
    resource, _, method = name.rpartition("/")
    path = resource.replace("~1", "/")
    return (path if path.startswith(("/", "*")) else f"/{path}"), method


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
