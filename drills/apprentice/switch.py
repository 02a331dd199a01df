"""Apprentice's failover switch: while its object is there, the standby serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import failover_switch

from .names import AWAY, SWITCH, artifacts_of

if TYPE_CHECKING:
    from drillbook.world import World


def throw(world: World) -> None:
    """Health checkers have no credentials, and nothing else in the bucket is for everybody."""
    failover_switch.throw(world, artifacts_of(AWAY), SWITCH, region=AWAY, public=True)


def take_back(world: World) -> None:
    failover_switch.take_back(world, artifacts_of(AWAY), SWITCH, region=AWAY)
