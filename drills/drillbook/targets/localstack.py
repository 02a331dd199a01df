"""A LocalStack-compatible endpoint as a target: LocalStack itself, MiniStack, or another embedded cloud."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from drillbook.aws.egress import keep_from_aws
from drillbook.aws.session import Session
from drillbook.world import World

if TYPE_CHECKING:
    from drillbook.targets import Place


def open_world(world: World, place: Place) -> None:
    """Use the target's ``endpoint``, else LOCALSTACK_ENDPOINT, else what localstack-client says (LOCALSTACK_HOST).

    Raises TargetError if nothing answers there.
    """
    del place
    from localstack_client.config import get_service_endpoint

    chosen = world.service.targets["localstack"].endpoint
    endpoint = world.fill(chosen) if chosen else os.environ.get("LOCALSTACK_ENDPOINT") or get_service_endpoint("sts")
    world.address = {"endpoint": endpoint}
    _attach(world, endpoint)


def find_again(world: World) -> bool:
    """An endpoint that cannot be reached is an error, not a vanished world: its state may come back."""
    _attach(world, str(world.address["endpoint"]))
    return True


def _attach(world: World, endpoint: str) -> None:
    service = world.service
    account = service.targets["localstack"].account or "000000000000"
    region = world.values["region"] or "us-east-1"
    world.values |= {"account": account, "endpoint": endpoint, "region": region}
    regions = tuple({region, *service.regions.values()})
    keep_from_aws(world)
    world.aws = Session(account, region, endpoint, clock=world.clock, events=world.events, regions=regions)
    world.aws.identity()
