"""A real account as a target. Nothing is stood up: the drill uses what the service file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.session import Session
from drillbook.errors import Refused, UsageError
from drillbook.world import World

if TYPE_CHECKING:
    from drillbook.targets import Place


def open_world(world: World, place: Place) -> None:
    """Use the account of the service file with the caller's own credentials.

    Raises Refused by the account rail if the credentials belong to another account, TargetError if STS does not answer.
    """
    del place
    _attach(world)


def find_again(world: World) -> bool:
    """An account does not go away."""
    _attach(world)
    return True


def _attach(world: World) -> None:
    target, service = world.service.targets["aws"], world.service
    region = world.values["region"]
    if target.account is None or not region:
        raise UsageError("the aws target names no account or no region", do="give both in service.yaml")
    world.values |= {"account": target.account, "region": region}
    regions = tuple({region, *service.regions.values()})
    world.aws = Session(target.account, region, clock=world.clock, events=world.events, regions=regions)
    found = world.aws.identity().account
    if found != target.account:
        raise Refused(
            "account",
            f"the credentials belong to account {found}, the service file says {target.account}",
            do="choose the profile of the right account (AWS_PROFILE)",
        )
