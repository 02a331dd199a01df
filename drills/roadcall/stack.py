"""Stands roadcall up on the embedded cloud: all of us-east-1, and in us-west-2 the data and the names.

What is slow is begun first. Nothing made here knows a port of the cloud, the run or the hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.session import acting, session_of
from drillbook.waiting import wait_for

from . import alarms, aurora, backups, buckets, customers, edge, services, tables

if TYPE_CHECKING:
    from drillbook.world import World


def stand_up(world: World) -> dict[str, str]:
    """Everything, unless it is there already."""
    session = session_of(world)
    with acting("stand up"), calling(f"stand up roadcall at {session.place}"):
        if not edge.is_there(session):
            _make(world)
    return {}


def _make(world: World) -> None:
    aurora.begin(world)
    buckets.stand_up(world)
    names = edge.stand_up_names(session_of(world))
    services.begin(world)
    tables.stand_up(world)
    alarms.stand_up(world)
    aurora.finish(world)
    backups.stand_up(world)
    services.finish(world)
    edge.stand_up(world, names)
    wait_for("the service answering", lambda: customers.health(world), timeout=60, clock=world.clock)
