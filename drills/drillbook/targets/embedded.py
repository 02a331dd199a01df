"""The embedded cloud as a target."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drillbook import service_actions
from drillbook.aws.egress import keep_from_aws
from drillbook.aws.session import Session
from drillbook.embedded import process
from drillbook.embedded.process import ACCOUNT, Cloud
from drillbook.errors import TargetError
from drillbook.events import EventKind
from drillbook.targets import prepared
from drillbook.targets.clouds import SPEED, Clouds, Lodging, Wanted
from drillbook.targets.prepared import Prepared
from drillbook.waiting import wait_for
from drillbook.world import World

if TYPE_CHECKING:
    from drillbook.clock import Clock
    from drillbook.service import Service
    from drillbook.targets import Place

_START_TIMEOUT = 60.0


def open_world(world: World, place: Place) -> None:
    """A fresh cloud for this drill alone, with the service's prepared world in it if there is one.

    A cloud that somebody has started by hand for ``place.state`` is used as it is.
    """
    if by_hand := process.find(place.state):
        world.address = {"cloud": by_hand.id, "state": str(place.state)}
        _attach(world, by_hand)
        return
    world.prepared = prepared_world(world.service, world.values["region"], place.state, world.clock)
    if world.prepared and not world.prepared.ready:
        world.prepared.await_turn(world.clock)
    clouds = place.clouds or Clouds(place.state)
    lodging = _open(world, clouds)
    world.leave = partial(clouds.leave, lodging)
    world.address = {"cloud": lodging.cloud.id, "state": str(lodging.slot), "own_cloud": True}
    process.set_links(lodging.cloud, links(world.service))
    _attach(world, lodging.cloud)


def links(service: Service) -> dict[str, float]:
    """Seconds that data takes between the service's regions, where its service file says so."""
    pairs = list(combinations(sorted(set(service.regions.values())), 2))
    lag = service.targets["embedded"].lag
    return {f"{what}:{one}|{other}": seconds for what, seconds in lag.items() for one, other in pairs}


def gives_own_cloud(state: Path) -> bool:
    """No cloud was started by hand, which the next drill would use as it is."""
    return process.find(state) is None


def wanted_by(service: Service, state: Path, clock: Clock) -> Wanted:
    """The cloud that the next drill of ``service`` is likely to begin with."""
    region = service.regions.get("primary", "")
    return wanted(service, prepared_world(service, region, state, clock))


def wanted(service: Service, kept: Prepared | None) -> Wanted:
    """The cloud that a drill of ``service`` begins with."""
    return Wanted(_account(service), kept.file if kept and kept.ready else None)


def prepared_world(service: Service, region: str, state: Path, clock: Clock) -> Prepared | None:
    """The saved world of ``service``; None if it cannot be kept."""
    return prepared.of(service, state, account=_account(service), region=region, speed=SPEED, clock=clock)


def _open(world: World, clouds: Clouds) -> Lodging:
    """A damaged world is made anew."""
    try:
        return clouds.open(wanted(world.service, world.prepared))
    except TargetError as error:
        if not world.prepared or not world.prepared.ready:
            raise
        world.events.emit(EventKind.NOTE, f"the saved world cannot be used, so it is made anew: {error.what}")
        world.prepared.discard()
        world.prepared.await_turn(world.clock)
        return clouds.open(wanted(world.service, world.prepared))


def stand_up(world: World) -> None:
    """Make the service ready in the cloud; nothing but its values is needed if it began with the prepared world."""
    kept = world.prepared
    if kept and kept.ready:
        service_actions.values_of_the_target(world)
        world.values |= kept.given(world.values)
        return
    given = service_actions.stand_up(world)
    if kept:
        fixed = world.service.targets["embedded"].values
        _keep(world, kept, {name: value for name, value in given.items() if name not in fixed})


def _keep(world: World, kept: Prepared, given: dict[str, str]) -> None:
    """A world that cannot be kept is good enough for this drill; the next one stands the service up again."""
    try:
        if own := _of_this_drill(world, given):
            raise TargetError(f"{own} belongs to this one", do="see docs/embedded-cloud.md")
        kept.keep(_cloud_of(world), given, world.values)
    except TargetError as error:
        world.events.emit(EventKind.NOTE, f"the world is not kept for other drills: {error.what}")
    finally:
        kept.release()


def _cloud_of(world: World) -> Cloud:
    cloud = process.find(Path(str(world.address["state"])))
    if cloud is None or cloud.id != world.address["cloud"]:
        raise TargetError("the embedded cloud ended during the drill", do="read cloud.log in the state directory")
    return cloud


def _of_this_drill(world: World, given: dict[str, str]) -> str:
    """What of the stand-up another drill could not use; empty if nothing."""
    named = next((name for name, value in given.items() if world.run_id in value or str(world.workdir) in value), "")
    return f"{{{named}}}" if named else "what is in {workdir}" if any(world.workdir.iterdir()) else ""


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
    said = process.status(_cloud_of(world))["crashes"]
    return int(said["count"]), [str(each) for each in said["last"]]


def _attach(world: World, cloud: Cloud) -> None:
    service = world.service
    account = _account(service)
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


def _account(service: Service) -> str:
    return service.targets["embedded"].account or ACCOUNT


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
