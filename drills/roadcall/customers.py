"""The service as its customers meet it: by the service's own name, or by a region's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from drillbook.errors import TemporaryError
from drillbook.service_fields import Method
from drillbook.service_model import HttpRequest
from drillbook.web.request import Answer, ask

from .names import API, regional_api

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 5.0
"""Seconds for one answer: functions that have just been deployed start with the first request."""


def request(world: World, path: str, host: str = API, method: Method = "GET", body: Any = None) -> Answer:
    """Send one request to ``host``, as DNS finds it now."""
    url = world.fill(f"http://{host}:{{port}}{path}")
    return ask(world, HttpRequest(url=url, method=method, json=body, timeout=PATIENCE))


def health(world: World, region: str | None = None) -> dict[str, Any]:
    """What ``/health`` says, by the name of the service or of a region. Raises TemporaryError if it does not say."""
    host = regional_api(region) if region else API
    answer = request(world, "/health", host)
    if answer.status != 200:
        said = answer.failure or f"HTTP {answer.status}"
        raise TemporaryError(f"{host}/health: {said}", do="see the logs of roadcall-incident-svc-prod")
    found: dict[str, Any] = json.loads(answer.text)
    return found


def serving_region(world: World) -> str:
    """The region whose services a customer gets. Raises TemporaryError if there is none."""
    return str(health(world)["region"])


def answers(world: World, path: str, region: str) -> bool:
    """Does the region give this by its own name? Raises TemporaryError with what it says instead."""
    answer = request(world, path, regional_api(region))
    if answer.status == 200:
        return True
    said = answer.failure or f"HTTP {answer.status}"
    raise TemporaryError(f"{path} in {region}: {said}", do="see the logs of the service")
