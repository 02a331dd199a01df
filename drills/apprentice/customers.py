"""The service as its users meet it, by its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.errors import TemporaryError
from drillbook.service_model import HttpRequest
from drillbook.web.request import send

from .names import API_NAME

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 5.0
"""Seconds for one answer: functions that have just been restarted start with the first request."""


def can_work(world: World) -> bool:
    """Is the API healthy, and does it list habits? Raises TemporaryError with what it says instead."""
    return answers(world, "/health/") and answers(world, "/api/habits/")


def answers(world: World, path: str, host: str = API_NAME) -> bool:
    url = world.fill(f"http://{host}:{{port}}{path}")
    headers = {"Authorization": world.fill("Token {canary_session}")}
    reading = send(world, HttpRequest(url=url, headers=headers, timeout=PATIENCE))
    if reading.ok is not True:
        raise TemporaryError(f"{host}{path}: {reading}", do="see the logs of the function")
    return True
