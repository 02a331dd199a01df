"""Roadcall's failover switch: while its object is there, customers are led to us-west-2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import failover_switch
from drillbook.aws.session import session_of

from .names import DR, SWITCH_KEY, switch_bucket

if TYPE_CHECKING:
    from drillbook.world import World


def throw(world: World) -> None:
    failover_switch.throw(world, _bucket(world), SWITCH_KEY, region=DR)


def take_back(world: World) -> None:
    failover_switch.take_back(world, _bucket(world), SWITCH_KEY, region=DR)


def is_thrown(world: World) -> bool:
    """Are customers led to us-west-2?"""
    return failover_switch.is_thrown(world, _bucket(world), SWITCH_KEY, region=DR)


def _bucket(world: World) -> str:
    return switch_bucket(session_of(world).account)
