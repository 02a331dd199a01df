"""The front door of REST APIs: from an HTTP request by way of API, stage, deployment and route to the integration.

An API is reached by path, ``/_aws/execute-api/<api>/<stage>/<path…>``, by Host,
``<api>.execute-api.<region>.<anything>/<stage>/<path…>``, or by a custom domain name with its base path mappings. Who
comes by a region's own address reaches the APIs of that region only.

Not emulated: authorizers and API keys (nobody is refused), Lambda's resource policy (a function without permission for
API Gateway is invoked all the same), request validation, mapping templates, caching, TLS and certificates, WAF, usage
plans.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from moto.apigateway.models import APIGatewayBackend, Deployment, DomainName, RestAPI, apigateway_backends
from moto.apigateway.responses import APIGatewayResponse

from drillbook.embedded import keeping
from drillbook.embedded.front_door import api_calls, custom_domains, domain_api
from drillbook.embedded.front_door.proxy import Call, integrate
from drillbook.embedded.front_door.request import (
    FORBIDDEN,
    MAX_BODY,
    NO_ROUTE,
    THROTTLED,
    TOO_LARGE,
    Answer,
    Request,
    from_wsgi,
    to_wsgi,
)
from drillbook.embedded.front_door.routes import Route, find, snapshot
from drillbook.embedded.front_door.stages import Throttle, create_deployment, patch_rest_api, update_stage
from drillbook.embedded.functions.runtime import runtime_of
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.planes import CloudState
from drillbook.embedded.serving import REGION
from drillbook.events import Json

BY_PATH = "/_aws/execute-api/"
_BY_HOST = re.compile(r"([a-z0-9-]+)\.execute-api\.([a-z0-9-]+)\.", re.IGNORECASE)


def plane() -> FrontDoor:
    return FrontDoor()


class FrontDoor:
    """The plane, and the door itself."""

    name = "front_door"
    service = "execute-api"
    cloud: CloudState

    def __init__(self) -> None:
        self._deployed: dict[tuple[str, str], tuple[Route, ...]] = {}
        self._answers: Counter[int] = Counter()
        self._patches = ExitStack()

    def install(self, cloud: CloudState) -> None:
        self.cloud = cloud
        self._runtime, self._metrics, self._throttle = runtime_of(cloud), store_of(cloud), Throttle(cloud.clock)
        for owner, name, replacement in (
            (RestAPI, "create_deployment", create_deployment(RestAPI.create_deployment, self._remember)),
            # Registers each route with the `responses` library, for APIs that are called inside the test process.
            (RestAPI, "update_integration_mocks", lambda *_: None),
            (RestAPI, "apply_patch_operations", patch_rest_api(RestAPI.apply_patch_operations)),
            (RestAPI, "add_child", api_calls.add_child(RestAPI.add_child)),
            (RestAPI, "create_stage", api_calls.create_stage(RestAPI.create_stage)),
            (APIGatewayBackend, "create_rest_api", api_calls.create_rest_api(APIGatewayBackend.create_rest_api)),
            (APIGatewayBackend, "delete_rest_api", api_calls.delete_rest_api(APIGatewayBackend.delete_rest_api)),
            (APIGatewayBackend, "put_method", api_calls.put_method(APIGatewayBackend.put_method)),
            (
                APIGatewayBackend,
                "create_deployment",
                api_calls.complete_deployment(APIGatewayBackend.create_deployment),
            ),
            (APIGatewayBackend, "update_stage", update_stage(APIGatewayBackend.update_stage)),
            *_domain_patches(),
        ):
            self._patches.enter_context(mock.patch.object(owner, name, replacement))
        update = domain_api.update_domain_name
        self._patches.enter_context(mock.patch.object(APIGatewayResponse, "update_domain_name", update, create=True))

    def status(self) -> dict[str, Json]:
        return {"answers": {str(status): count for status, count in sorted(self._answers.items())}}

    def save(self, folder: Path) -> None:
        keeping.write(folder, self._deployed)

    def load(self, folder: Path) -> None:
        self._deployed = keeping.read(folder) or {}

    def close(self) -> None:
        self._patches.close()

    def matches(self, environ: dict[str, Any]) -> bool:
        host = environ.get("HTTP_HOST", "")
        if environ["PATH_INFO"].startswith(BY_PATH) or _BY_HOST.match(host):
            return True
        return custom_domains.is_known(host)

    def region(self, environ: dict[str, Any]) -> str | None:
        """The region by whose address the request comes; by 127.0.0.1, where its API or domain name is."""
        if entered := environ.get(REGION):
            return str(entered)
        api = _api(_request(environ).api_id)
        if api is not None:
            return str(api.region_name)
        holder = custom_domains.home(environ.get("HTTP_HOST", ""))
        return str(holder.region_name) if holder else None

    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]:
        request = _request(environ)
        began = self.cloud.clock.monotonic()
        answer = self._answer(request, environ.get(REGION))
        self._answers[answer.status] += 1
        self._count(request, answer, (self.cloud.clock.monotonic() - began) * 1000)
        return to_wsgi(answer, request.id, start_response)

    def _remember(self, api: RestAPI, deployment: Deployment) -> None:
        self._deployed[api.id, deployment.id] = snapshot(api)

    def _answer(self, request: Request, entered: str | None) -> Answer:
        api = _api(request.api_id)
        stage = api.stages.get(request.stage) if api else None
        if api is None or stage is None or entered not in (None, api.region_name):
            return FORBIDDEN
        if api.disableExecuteApiEndpoint and not request.custom:
            return FORBIDDEN
        if len(request.body) > MAX_BODY:
            return TOO_LARGE
        match = find(self._deployed.get((api.id, str(stage.deployment_id)), ()), request.method, request.path)
        if match is None:
            return NO_ROUTE
        if not self._throttle.admits(api.id, stage, match.route.resource, match.route.method):
            return THROTTLED
        began = self.cloud.clock.monotonic()
        answer = integrate(Call(request, match, api, stage), self._runtime)
        return replace(answer, integration_ms=(self.cloud.clock.monotonic() - began) * 1000)

    def _count(self, request: Request, answer: Answer, milliseconds: float) -> None:
        api = _api(request.api_id)
        if api is None:
            return
        metrics = {
            "Count": 1.0,
            "4XXError": float(400 <= answer.status < 500),
            "5XXError": float(answer.status >= 500),
            "Latency": milliseconds,
        }
        if answer.integration_ms is not None:
            metrics["IntegrationLatency"] = answer.integration_ms
        now = self.cloud.clock.now().timestamp()
        for owner in ({"ApiName": api.name}, {"ApiName": api.name, "Stage": request.stage}):
            for name, value in metrics.items():
                place = (api.account_id, api.region_name, "AWS/ApiGateway", name, dimensions(owner))
                self._metrics.record(Series(*place), now, [value])


def _domain_patches() -> Iterable[tuple[Any, str, Any]]:
    backend = APIGatewayBackend
    return (
        (DomainName, "to_json", domain_api.domain_as_json(DomainName.to_json)),
        (backend, "create_domain_name", domain_api.create_domain_name(backend.create_domain_name)),
        (backend, "delete_domain_name", domain_api.delete_domain_name(backend.delete_domain_name)),
        (backend, "create_base_path_mapping", domain_api.create_base_path_mapping(backend.create_base_path_mapping)),
        (backend, "get_base_path_mapping", domain_api.existing_base_path(backend.get_base_path_mapping)),
        (backend, "update_base_path_mapping", domain_api.update_base_path_mapping(backend.update_base_path_mapping)),
        (backend, "delete_base_path_mapping", domain_api.existing_base_path(backend.delete_base_path_mapping)),
    )


def _request(environ: dict[str, Any]) -> Request:
    """What is asked of which API; an API without a name if the domain has no mapping for the path."""
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")[0]
    host = environ.get("HTTP_HOST", "")
    by_host = _BY_HOST.match(host)
    if environ["PATH_INFO"].startswith(BY_PATH):
        api_id, _, rest = raw.removeprefix(BY_PATH).partition("/")
    elif by_host:
        api_id, rest = by_host[1], raw.removeprefix("/")
    else:
        return _by_custom_domain(environ, host, raw)
    stage, _, path = rest.partition("/")
    return from_wsgi(environ, api_id, stage, "/" + path)


def _by_custom_domain(environ: dict[str, Any], host: str, raw: str) -> Request:
    holder = custom_domains.home(host, environ.get(REGION))
    found = custom_domains.mapped(holder, host, raw) if holder else None
    if found is None:
        return from_wsgi(environ, "", "", raw, asked=raw, custom=True)
    return from_wsgi(environ, found.api_id, found.stage, found.path, asked=raw, custom=True)


def _api(api_id: str) -> RestAPI | None:
    """An API by its id, which is unique across accounts and regions."""
    for account in list(apigateway_backends.values()):
        for backend in list(account.values()):
            if found := backend.apis.get(api_id):
                return found
    return None
