"""The embedded cloud as a target."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from drillbook.aws.egress import keep_from_aws
from drillbook.aws.session import Session
from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.errors import TargetError
from drillbook.waiting import wait_for
from drillbook.world import World

ACCOUNT = "111122223333"
_START_TIMEOUT = 60.0


def open_world(world: World, state: Path) -> None:
    """Use the embedded cloud that runs for ``state``, or start one that ends with this process."""
    cloud = process.find(state) or process.start(state, owner=os.getpid(), journal=state / "journal.sqlite3")
    world.address = {"cloud": cloud.id, "state": str(state)}
    _attach(world, cloud)


def find_again(world: World) -> bool:
    """Is the very cloud of this world still there? A new cloud is another world."""
    cloud = process.find(Path(str(world.address["state"])))
    if cloud is None or cloud.id != world.address["cloud"]:
        return False
    _attach(world, cloud)
    return True


def crashes(world: World) -> tuple[int, list[str]]:
    """How often the cloud itself has failed since it began, and the last few failures. Raises TargetError if it is
    gone."""
    cloud = process.find(Path(str(world.address["state"])))
    if cloud is None or cloud.id != world.address["cloud"]:
        raise TargetError("the embedded cloud ended during the drill", do="read cloud.log in the state directory")
    said = process.status(cloud)["crashes"]
    return int(said["count"]), [str(each) for each in said["last"]]


def _attach(world: World, cloud: Cloud) -> None:
    service = world.service
    account = service.targets["embedded"].account or ACCOUNT
    region = world.values["region"] or "us-east-1"
    port = urlsplit(cloud.endpoint).port
    world.speed = cloud.speed
    world.values |= {"account": account, "endpoint": cloud.endpoint, "region": region, "port": str(port)}
    world.values["resolver"] = f"dns://{_name_server(world, cloud)}?port={port}&speed={cloud.speed:g}"
    keep_from_aws(world)
    world.aws = Session(
        account,
        region,
        cloud.endpoint,
        clock=world.clock,
        events=world.events,
        regions=tuple({region, *service.regions.values()}),
        speed=cloud.speed,
    )


def _name_server(world: World, cloud: Cloud) -> str:
    """Where the cloud's hosted zones are served. A cloud that another process is starting has no planes yet."""
    plane = wait_for(
        "the embedded cloud's name server",
        lambda: process.status(cloud)["planes"].get("dns"),
        timeout=_START_TIMEOUT,
        clock=world.clock,
        do="see `drillbook cloud status`",
    )
    return str(plane["address"])
