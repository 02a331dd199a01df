"""The habit tracker as its customers see it: by DNS and HTTP, with no AWS API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from drillbook.service_model import HttpRequest
from drillbook.web.request import Answer, ask

if TYPE_CHECKING:
    from drillbook.world import World

TIMEOUT = 2.0
"""Seconds."""
HEALTHY = "HTTP 200"


def get(world: World, name: str, path: str) -> Answer:
    """What a name answers."""
    url = world.fill(f"http://{name}:{{port}}{path}")
    return ask(world, HttpRequest.model_validate({"url": url, "timeout": TIMEOUT}))


def answers(world: World, name: str) -> bool:
    """Does anything answer there, whatever it says?"""
    return get(world, name, "/").status > 0


def health(world: World, name: str) -> str:
    """What the API answers that has this name, or why it does not: HTTP 200 only if its database answers, too."""
    answer = get(world, name, "/health/")
    return answer.failure or f"HTTP {answer.status}"


def is_healthy(world: World, name: str) -> bool:
    return health(world, name) == HEALTHY


def served_from(world: World, name: str) -> str:
    """The region whose API answers by this name; empty if none is healthy."""
    answer = get(world, name, "/health/")
    return str(json.loads(answer.text)["region"]) if answer.status == 200 else ""
