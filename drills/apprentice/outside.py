"""The habit tracker as its customers see it: by DNS and HTTP, with no AWS API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from drillbook.service_model import HttpRequest
from drillbook.web.request import Answer, ask

if TYPE_CHECKING:
    from drillbook.world import World

TIMEOUT = 2.0


def get(world: World, name: str, path: str) -> Answer:
    """What a name answers."""
    return ask(world, HttpRequest(url=world.fill(f"http://{name}:{{port}}{path}"), timeout=TIMEOUT))


def is_healthy(world: World, name: str) -> bool:
    """Does the API answer by this name, and its database too?"""
    return get(world, name, "/health/").status == 200


def served_from(world: World, name: str) -> str:
    """The region whose API answers by this name; empty if none is healthy."""
    answer = get(world, name, "/health/")
    return str(json.loads(answer.text)["region"]) if answer.status == 200 else ""
