"""Who decides whether an endpoint is healthy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.route53.models import HealthCheck

from drillbook.clock import SystemClock
from drillbook.embedded.dns.checker import Finding
from drillbook.embedded.dns.health import Health, regions_of
from drillbook.embedded.domains import Failures
from drillbook.embedded.planes import CloudState

WELL, ILL = Finding(True, "Success"), Finding(False, "Failure")
LOST = "us-east-1"


@pytest.fixture
def cloud(tmp_path: Path) -> CloudState:
    return CloudState("111122223333", "http://127.0.0.1:1", 100.0, SystemClock(), tmp_path)


@pytest.fixture
def check() -> HealthCheck:
    settings: dict[str, Any] = {"type": "TCP", "ip_address": "127.0.0.1", "port": 1, "failure_threshold": 3}
    return HealthCheck("check", "reference", settings)  # type: ignore[abstract]


@pytest.fixture
def health(cloud: CloudState, check: HealthCheck) -> Health:
    return Health(cloud, lambda _: ("111122223333", check), lambda *_: "OK")


def look(health: Health, check: HealthCheck, finding: Finding, times: int = 3) -> None:
    """The checkers of all living regions find this."""
    for _ in range(times):
        for region in regions_of(check):
            if not health.cloud.domains.now.dark(region):
                health.checker(check, region).note(finding, datetime.now(UTC), 3)


def test_a_checker_that_slept_has_no_say_before_it_has_looked_anew(
    health: Health, check: HealthCheck, cloud: CloudState
) -> None:
    look(health, check, WELL)
    cloud.domains.become(Failures(regions=frozenset({LOST})))
    look(health, check, ILL)
    assert not health.healthy(check.id)
    cloud.domains.become(Failures())
    health.checker(check, LOST).begin()
    assert not health.healthy(check.id), "the checker of the lost region remembers better days"
    look(health, check, WELL, times=2)
    assert not health.healthy(check.id)
    look(health, check, WELL, times=1)
    assert health.healthy(check.id)


def test_an_endpoint_is_healthy_until_enough_is_known(health: Health, check: HealthCheck) -> None:
    assert health.healthy(check.id)
    look(health, check, ILL, times=2)
    assert health.healthy(check.id)
    look(health, check, ILL, times=1)
    assert not health.healthy(check.id)
