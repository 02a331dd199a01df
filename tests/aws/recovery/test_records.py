"""Traffic by DNS: records and health checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from drillbook.aws.recovery import health_checks, records
from drillbook.aws.recovery.records import Alias
from drillbook.aws.session import session_of
from drillbook.embedded import process
from drillbook.embedded.domains import Failures
from drillbook.errors import PermanentError, TargetError, TemporaryError
from drillbook.world import World

from .attempts import changes, healed, killed_before_it_is_recorded

Record = dict[str, Any]


@pytest.fixture
def route53(world: World) -> Any:
    return session_of(world).client("route53")


@pytest.fixture
def check(route53: Any) -> Iterator[str]:
    """A health check, gone with the test: at this speed its checkers would keep the cloud busy."""
    config = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 9, "RequestInterval": 30, "FailureThreshold": 10}
    made = route53.create_health_check(CallerReference=uuid4().hex, HealthCheckConfig=config)["HealthCheck"]["Id"]
    yield made
    route53.delete_health_check(HealthCheckId=made)


@pytest.fixture
def zone(route53: Any, name: str, check: str) -> str:
    """A zone of the test's own, ``<name>.example.com``, with a simple, two weighted and two failover records."""
    made = route53.create_hosted_zone(Name=f"{name}.example.com", CallerReference=name)["HostedZone"]["Id"]
    put(
        route53,
        made,
        record(name, "www", "192.0.2.1", TTL=300),
        record(name, "split", "192.0.2.1", SetIdentifier="one", Weight=100),
        record(name, "split", "192.0.2.2", SetIdentifier="two", Weight=0),
        record(name, "api", "192.0.2.1", SetIdentifier="here", Failover="PRIMARY", HealthCheckId=check),
        record(name, "api", "192.0.2.2", SetIdentifier="there", Failover="SECONDARY"),
    )
    return str(made.removeprefix("/hostedzone/"))


def record(name: str, label: str, value: str, **more: Any) -> Record:
    plain = {"Name": f"{label}.{name}.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}
    return plain | more


def put(route53: Any, zone: str, *asked: Record) -> None:
    batch = [{"Action": "UPSERT", "ResourceRecordSet": each} for each in asked]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})


def standing(route53: Any, zone: str) -> list[Record]:
    found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return sorted((each for each in found if each["Type"] == "A"), key=repr)


def test_one_record_is_pointed_elsewhere_once_and_heal_points_it_back(
    world: World, route53: Any, zone: str, name: str
) -> None:
    before = standing(route53, zone)
    host = f"www.{name}.example.com"
    for _ in range(2):
        records.point(world, zone, host, "A", ["192.0.2.9"])
    assert changes(world) == 1
    assert records.leads_to(world, zone, host, "A", ["192.0.2.9"])
    wanted = record(name, "www", "192.0.2.9", TTL=300)
    assert [each for each in standing(route53, zone) if each not in before] == [wanted], "the time to live is kept"
    records.wait_until_answered(world, zone, host, "A", ["192.0.2.9"], timeout=10)
    assert healed(world).ok
    assert standing(route53, zone) == before


def test_a_shift_that_was_cut_off_is_waited_for_and_not_made_again(
    world: World, route53: Any, zone: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = standing(route53, zone)
    host = f"www.{name}.example.com"
    with killed_before_it_is_recorded(monkeypatch):
        records.point(world, zone, host, "A", ["192.0.2.9"])
    records.point(world, zone, host, "A", ["192.0.2.9"])
    assert changes(world) == 1
    records.wait_until_answered(world, zone, host, "A", ["192.0.2.9"], timeout=10)
    assert healed(world).ok
    assert standing(route53, zone) == before


@pytest.mark.slow
def test_a_shift_waits_until_resolvers_have_forgotten(
    world: World, zone: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep = world.clock.sleep
    monkeypatch.setattr(world.clock, "sleep", lambda seconds: (waits.append(seconds), sleep(seconds)))
    records.point(world, zone, f"www.{name}.example.com", "A", ["192.0.2.9"])
    assert 0.2 < waits[-1] <= 300 / world.speed
    assert not [wait for wait in waits if wait > 300 / world.speed]


def test_a_record_becomes_an_alias_and_goes_home_again(world: World, route53: Any, zone: str, name: str) -> None:
    before = standing(route53, zone)
    host = f"www.{name}.example.com"
    to = Alias("Z1UJRXOUMOOFQ8", "D-abc.execute-api.us-east-1.amazonaws.com", evaluate=False)
    for _ in range(2):
        records.point(world, zone, host, "A", to)
    assert changes(world) == 1
    assert records.leads_to(world, zone, host, "A", to)
    assert not records.is_home(world, zone, host, "A")
    for _ in range(2):
        records.return_home(world, zone, host, "A")
    assert changes(world) == 2
    assert records.is_home(world, zone, host, "A")
    assert standing(route53, zone) == before
    assert healed(world).ok
    assert standing(route53, zone) == before


@pytest.mark.slow
def test_weights_change_together_and_nothing_else_does(world: World, route53: Any, zone: str, name: str) -> None:
    before = standing(route53, zone)
    for _ in range(2):
        records.weigh(world, zone, f"split.{name}.example.com", "A", {"one": 0, "two": 100})
    assert changes(world) == 1
    weights = {each["SetIdentifier"]: each["Weight"] for each in standing(route53, zone) if "Weight" in each}
    assert weights == {"one": 0, "two": 100}
    assert len(standing(route53, zone)) == len(before)
    assert healed(world).ok
    assert standing(route53, zone) == before


def test_a_failover_pair_exchanges_roles_and_keeps_its_health_check(
    world: World, route53: Any, zone: str, name: str
) -> None:
    before = standing(route53, zone)
    for _ in range(2):
        records.make_primary(world, zone, f"api.{name}.example.com", "A", "there")
    assert changes(world) == 1
    pair = {each["SetIdentifier"]: each for each in standing(route53, zone) if "Failover" in each}
    assert {each: pair[each]["Failover"] for each in pair} == {"here": "SECONDARY", "there": "PRIMARY"}
    assert "HealthCheckId" in pair["here"]
    assert healed(world).ok
    assert standing(route53, zone) == before


def test_a_record_that_is_not_there_is_an_error_that_names_those_that_are(world: World, zone: str, name: str) -> None:
    with pytest.raises(PermanentError, match=r"no record api.* with the identifier third \(there: here, there\)"):
        records.point(world, zone, f"api.{name}.example.com", "A", ["192.0.2.9"], set_identifier="third")
    with pytest.raises(PermanentError, match=r"no record nothing.* \(there: none\)"):
        records.point(world, zone, f"nothing.{name}.example.com", "A", ["192.0.2.9"])
    with pytest.raises(PermanentError, match="is no failover pair"):
        records.make_primary(world, zone, f"split.{name}.example.com", "A", "one")
    with pytest.raises(PermanentError) as error:
        records.point(world, "ZNOSUCHZONE", f"www.{name}.example.com", "A", ["192.0.2.9"])
    assert error.value.code == "NoSuchHostedZone"
    assert changes(world) == 0


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    world: World, route53: Any, zone: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = records.RecordsSettings(
        zone=zone, name=f"www.{name}.example.com", kind="A", edits={"": {"ResourceRecords": [{"Value": "192.0.2.9"}]}}
    )
    change = records.Records(world, settings)
    before = change.capture()
    put(route53, zone, record(name, "www", "192.0.2.77"))
    monkeypatch.setattr(change, "read", lambda: before)
    with pytest.raises(PermanentError) as error:
        change.apply(before)
    assert error.value.code == "InvalidChangeBatch"
    assert records.leads_to(world, zone, f"www.{name}.example.com", "A", ["192.0.2.77"])


def test_without_the_control_plane_the_error_says_what_still_works(
    world: World, cloud: process.Cloud, zone: str, name: str
) -> None:
    host = f"www.{name}.example.com"
    process.become(cloud, Failures(regions=frozenset({"us-east-1"})))
    try:
        with pytest.raises((TargetError, TemporaryError), match="only health checks can still move traffic"):
            records.point(world, zone, host, "A", ["192.0.2.9"])
    finally:
        process.become(cloud, Failures())
    records.point(world, zone, host, "A", ["192.0.2.9"])
    assert changes(world) == 1


# -- health checks ----------------------------------------------------------------------------------------------------


def test_a_check_says_what_it_is_told_and_then_what_it_sees(
    world: World, route53: Any, zone: str, name: str, check: str
) -> None:
    host = f"api.{name}.example.com"
    health_checks.say_healthy(world, check)
    records.wait_until_answered(world, zone, host, "A", ["192.0.2.1"], timeout=10)
    for _ in range(2):
        health_checks.say_unhealthy(world, check)
    assert changes(world) == 2
    records.wait_until_answered(world, zone, host, "A", ["192.0.2.2"], timeout=10)
    assert not health_checks.says_what_it_sees(world, check)
    for _ in range(2):
        health_checks.say_what_it_sees(world, check)
    assert changes(world) == 3
    config = route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
    assert (config.get("Inverted", False), config.get("Disabled", False)) == (False, False)


@pytest.mark.slow
def test_heal_lets_a_check_see_again(world: World, check: str) -> None:
    health_checks.say_unhealthy(world, check)
    assert healed(world).ok
    assert health_checks.says_what_it_sees(world, check)


def test_a_check_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(PermanentError) as error:
        health_checks.say_unhealthy(world, str(uuid4()))
    assert error.value.code == "NoSuchHealthCheck"
    assert changes(world) == 0
