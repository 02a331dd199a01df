"""A world on the embedded cloud: its names are found by the canary and by probes, as on AWS by the system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest

from drillbook import placeholders, targets
from drillbook import service as services
from drillbook.clock import SystemClock
from drillbook.events import EventStream
from drillbook.instrument import front_door_of
from drillbook.journal import Journal
from drillbook.measure.history import Kind, Res
from drillbook.service import Service
from drillbook.service_model import HttpRequest
from drillbook.waiting import wait_for
from drillbook.web.request import send
from drillbook.world import World

clock = SystemClock()
SERVICE = dedent(
    """\
    service: names
    targets: {embedded: {}, local: {}}
    objectives: {rto: 30 s}
    front_door:
      url: "http://shop.example.com"
      resolver: "{resolver}"
      write: {method: POST, path: /notes}
      read: {method: GET, path: "/notes/{key}", version: $.text}
      probe: {method: GET, path: /_drillbook/status}
    """
)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    (tmp_path / "service.yaml").write_text(SERVICE)
    return services.load(tmp_path / "service.yaml")


@pytest.fixture
def opened(service: Service, tmp_path: Path) -> Iterator[Callable[[str], World]]:
    """Opens worlds of the service, by target."""
    worlds = []
    with Journal(tmp_path / "journal.sqlite3") as journal:
        place = targets.Place(tmp_path / "state", "run-1", clock, EventStream(clock), journal)

        def make(target: str) -> World:
            worlds.append(targets.open_world(service, target, place))
            return worlds[-1]

        yield make
    for world in worlds:
        world.close()
        world.leave()
        targets.remove_workdir(world.address)


def zone_of(world: World) -> Any:
    assert world.aws is not None
    route53 = world.aws.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference=uuid4().hex)["HostedZone"]["Id"]
    record = {"Name": "shop.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "127.0.0.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    return route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def test_the_names_of_hosted_zones_are_found_by_canary_and_probes(opened: Callable[[str], World]) -> None:
    world = opened("embedded")
    request = HttpRequest(url="http://shop.example.com/_drillbook/status", contains=world.values["port"])
    assert send(world, request).value == "name not found"
    zone_of(world)
    wait_for("the zone", lambda: send(world, request).ok, timeout=20, clock=clock)
    assert front_door_of(world).ask(Kind.PROBE, "", 0).res is Res.OK
    assert placeholders.front_door(world)["resolver"].startswith("dns://127.0.0.1:")


def test_elsewhere_the_system_finds_names(opened: Callable[[str], World]) -> None:
    assert placeholders.front_door(opened("local"))["resolver"] == ""
