"""Route 53's plane in a running cloud: what a conformance test cannot see."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from dnslib import DNSRecord

from drillbook.clock import SystemClock
from drillbook.embedded import process, worlds
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

from ..conftest import client_of  # noqa: TID252 - one cloud for all tests of planes

clock = SystemClock()


def told(cloud: Cloud) -> dict[str, Any]:
    return dict(process.status(cloud)["planes"]["dns"])


def ask(cloud: Cloud, name: str) -> list[str]:
    host, _, port = told(cloud)["address"].partition(":")
    return [str(rr.rdata) for rr in DNSRecord.parse(DNSRecord.question(name).send(host, int(port), timeout=5)).rr]


def record(name: str, address: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}], **more}


def change(route53: Any, zone: str, *records: dict[str, Any]) -> str:
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": one} for one in records]}
    return str(route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]["Id"])


@pytest.fixture
def check(client: Callable[..., Any], cloud: Cloud) -> Any:
    """A health check of the cloud's own status page."""
    route53 = client("route53")
    config = {
        "Type": "HTTP",
        "IPAddress": "127.0.0.1",
        "Port": urlsplit(cloud.endpoint).port,
        "ResourcePath": "/_drillbook/status",
        "RequestInterval": 10,
        "FailureThreshold": 1,
    }
    made = route53.create_health_check(CallerReference=uuid4().hex, HealthCheckConfig=config)["HealthCheck"]["Id"]
    yield made
    route53.delete_health_check(HealthCheckId=made)


def test_the_status_tells_where_the_name_server_is_and_how_the_checks_stand(cloud: Cloud, check: str) -> None:
    wait_for("probes", lambda: told(cloud)["probes"] > 3, timeout=10, clock=clock)
    said = told(cloud)
    assert said["health_checks"][check] is True
    assert said["fault"] == ""
    assert said["seconds"] == {"propagation": 0.6}


def test_deleted_checks_are_not_made_any_more(cloud: Cloud, client: Callable[..., Any], check: str) -> None:
    wait_for("probes", lambda: told(cloud)["probes"] > 3, timeout=10, clock=clock)
    client("route53").update_health_check(HealthCheckId=check, Disabled=True)
    before = []

    def quiet() -> bool:
        before.append(told(cloud)["probes"])
        return len(before) > 1 and before[-1] == before[-2]

    wait_for("no more probes", quiet, timeout=10, interval=0.4, clock=clock)


@pytest.mark.slow
def test_a_saved_world_answers_again(client: Callable[..., Any], cloud: Cloud, check: str, tmp_path: Path) -> None:
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name="saved.example.com", CallerReference=uuid4().hex)["HostedZone"]["Id"]
    primary = record("x.saved.example.com", "192.0.2.1", SetIdentifier="1", Failover="PRIMARY", HealthCheckId=check)
    known = change(route53, zone, primary)
    wait_for("the answer", lambda: ask(cloud, "x.saved.example.com") == ["192.0.2.1"], timeout=10, clock=clock)
    worlds.save(cloud, tmp_path / "world")
    twin = process.start(tmp_path / "twin", owner=os.getpid(), speed=100)
    try:
        worlds.load(twin, tmp_path / "world")
        assert ask(twin, "x.saved.example.com") == ["192.0.2.1"]
        again = client_of(twin, "route53")
        assert again.get_change(Id=known)["ChangeInfo"]["Status"] == "INSYNC"
        wait_for("checks of the twin", lambda: told(twin)["probes"] > 3, timeout=10, clock=clock)
        change(again, zone, record("y.saved.example.com", "192.0.2.2"))
        wait_for("the new answer", lambda: ask(twin, "y.saved.example.com") == ["192.0.2.2"], timeout=10, clock=clock)
        assert ask(cloud, "y.saved.example.com") == []
        again.close()
    finally:
        process.stop(twin)
