"""Stands the habit tracker up on the embedded cloud: a whole region at home, a pilot light in the other one.

What is there is left alone. Nothing stored holds a port, an address or a time of this cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.session import acting, session_of

from . import api, artifacts, backups, databases, domains, site
from .names import AWAY, HOME

if TYPE_CHECKING:
    from drillbook.world import World


def stand_up(world: World) -> None:
    """Make what is missing."""
    session = session_of(world)
    with acting("stand up"), calling(f"stand up the habit tracker at {session.place}"):
        for region in (HOME, AWAY):
            artifacts.stand_up(session, region)
            api.notices(session, region)
        databases.stand_up(world)
        domains.stand_up(session)
        api.stand_up(world)
        site.stand_up(world)
        backups.stand_up(world)
