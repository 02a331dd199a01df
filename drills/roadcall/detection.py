"""How people learn that us-east-1 is lost, when nothing in us-east-1 can tell them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drillbook.errors import TemporaryError
from drillbook.probe import Reading
from drillbook.web.resolver import resolver_of

from . import customers
from .edge import LOST
from .names import HEALTH_NAME, PRIMARY

if TYPE_CHECKING:
    from drillbook.world import World


def primary_health_check(world: World) -> Reading:
    """What Route 53's checkers think of the primary region, as name servers tell it. No control plane is asked."""
    url = urlsplit(f"http://{HEALTH_NAME}")
    try:
        place = resolver_of(world.values["resolver"], world.clock).places(url)[0]
        address = socket.gethostbyname(place.address)
    except OSError as error:
        return Reading(None, f"name servers do not answer: {error}")
    return Reading(address != LOST, "unhealthy" if address == LOST else "healthy", {"address": address})


def primary_answers(world: World) -> Reading:
    """Can the primary region's services be reached, by the region's own name?"""
    try:
        customers.health(world, PRIMARY)
    except TemporaryError as error:
        return Reading(False, error.what)
    return Reading(True, "HTTP 200")
