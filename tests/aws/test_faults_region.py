"""Faults of whole regions and services: by the journal's protocol, seen from outside, healed before all others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from drillbook import catalogue
from drillbook.aws.session import session_of
from drillbook.embedded import process
from drillbook.embedded.domains import Failures
from drillbook.embedded.process import Cloud
from drillbook.errors import FaultError, Refused, UsageError
from drillbook.fault import Fault
from drillbook.heal import heal
from drillbook.safeguard import Rails
from drillbook.world import World

REGION, OTHER = "af-south-1", "eu-west-1"
FAULTS: dict[str, dict[str, Any]] = {
    "region.dark": {"region": REGION},
    "region.partitioned": {"region": REGION, "other": OTHER},
    "zone.dark": {"zone": f"{REGION}a"},
    "service.unavailable": {"service": "cloudwatch"},
    "service.throttled": {"service": "dynamodb", "share": "50 %"},
    "service.slow": {"service": "lambda", "seconds": "0.3 s"},
}


@pytest.fixture
def world(world: World, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world of the cloud of all tests here, known by where its state is."""
    world.values |= {"region": REGION}
    world.address = {"cloud": cloud.id, "state": str(_state_of(cloud, tmp_path_factory))}
    yield world
    process.become(cloud, Failures())


def _state_of(cloud: Cloud, paths: pytest.TempPathFactory) -> Path:
    return next(one.parent for one in paths.getbasetemp().glob("*/cloud.json") if cloud.id in one.read_text())


def fault(world: World, name: str, **settings: Any) -> Fault:
    found = catalogue.resolve("fault", name)
    made = found(world, found.Settings.model_validate(settings or FAULTS[name]))
    assert isinstance(made, Fault)
    return made


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_takes_effect_and_is_taken_back(world: World, cloud: Cloud, name: str) -> None:
    made = fault(world, name)
    kept = json.dumps(made.capture())
    assert not made.observe(json.loads(kept))
    made.apply(json.loads(kept))
    assert made.observe(json.loads(kept))
    assert not made.restored(json.loads(kept))
    again = fault(world, name)
    again.restore(json.loads(kept))
    again.restore(json.loads(kept))
    assert again.restored(json.loads(kept))
    assert process.failures(cloud) == Failures()
    assert made.touches()[0].startswith("embedded:")


@pytest.mark.parametrize("name", FAULTS)
def test_restoring_one_fault_leaves_the_others(world: World, cloud: Cloud, name: str) -> None:
    others = Failures(zones=frozenset({"eu-west-1b"}), regions=frozenset({"us-west-2"}))
    process.become(cloud, others)
    made = fault(world, name)
    made.restore(made.capture())
    made.apply(None)
    made.restore(None)
    assert process.failures(cloud) == others


def test_what_is_broken_already_cannot_be_broken(world: World) -> None:
    fault(world, "region.dark").apply(None)
    with pytest.raises(FaultError, match="somebody else broke"):
        fault(world, "region.dark").capture()


def test_a_clients_calls_meet_the_fault(world: World) -> None:
    session = session_of(world)
    fault(world, "service.unavailable").apply(None)
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        session.client("cloudwatch").describe_alarms()
    fault(world, "region.dark").apply(None)
    with pytest.raises(HTTPClientError):
        session.client("dynamodb").list_tables()
    assert session.client("dynamodb", OTHER).list_tables()["TableNames"] is not None


@pytest.mark.parametrize("target", ["aws", "localstack"])
@pytest.mark.parametrize("name", FAULTS)
def test_only_the_embedded_cloud_can_do_this(world: World, name: str, target: str) -> None:
    with pytest.raises(UsageError, match=f"only the embedded cloud can .*; this drill runs on {target}"):
        fault(replace(world, target=target), name)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("region.dark", {"region": "eu-west-9"}, "no region 'eu-west-9' — did you mean"),
        ("region.partitioned", {"region": REGION, "other": REGION}, "parted from itself"),
        ("zone.dark", {"zone": REGION}, "is no availability zone"),
    ],
)
def test_wrong_names_are_wrong_usage(world: World, name: str, settings: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fault(world, name, **settings)


def test_a_region_of_somebody_elses_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="us-east-1 is not a region of this service"):
        fault(world, "region.dark", region="us-east-1")


def test_a_region_needs_no_tag_but_counts_as_touched(world: World) -> None:
    reports = Rails(world).before_fault(fault(world, "region.dark"))
    assert "1" in next(report.checked for report in reports if report.rail == "blast radius")
    with pytest.raises(Refused, match="tag"):
        Rails(replace(world, target="localstack")).before_fault(fault(world, "region.dark"))


class Wrote:
    """A change of a resource in the lost region."""

    def __init__(self, world: World, table: str) -> None:
        self._table, self._dynamodb, self.settle = table, session_of(world).client("dynamodb"), 0.1

    def describe(self) -> str:
        return f"write into {self._table}"

    def touches(self) -> list[str]:
        return [self._table]

    def capture(self) -> None:
        return None

    def apply(self, _: Any) -> None:
        self._dynamodb.put_item(TableName=self._table, Item={"id": {"S": "new"}})

    def restore(self, _: Any) -> None:
        self._dynamodb.delete_item(TableName=self._table, Key={"id": {"S": "new"}})

    def restored(self, _: Any) -> bool:
        return "Item" not in self._dynamodb.get_item(
            TableName=self._table, Key={"id": {"S": "new"}}, ConsistentRead=True
        )


def test_a_lost_region_is_healed_before_what_was_changed_in_it(world: World, table: str, cloud: Cloud) -> None:
    journal = world.journal
    assert journal is not None
    journal.begin(world.run_id, service_file=str(world.service.path), target=world.address, clock=world.clock)
    journal.carry_out(fault(world, "region.dark"), factory="region.dark", settings=FAULTS["region.dark"], world=world)
    process.become(cloud, Failures())
    journal.carry_out(Wrote(world, table), factory="wrote", settings={}, world=world)
    process.become(cloud, Failures(regions=frozenset({REGION})))

    def rebuild(world: World, factory: str, _: Any) -> Any:
        return Wrote(world, table) if factory == "wrote" else fault(world, factory)

    done = heal(journal, lambda _: world, world.clock, world.events, run_id=world.run_id, rebuild=rebuild)
    assert (done.restored, done.errors) == (2, ())
    assert process.failures(cloud) == Failures()
