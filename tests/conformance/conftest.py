"""What AWS does, asked of an endpoint with boto3, psycopg, HTTP and DNS alone.

The endpoint is the embedded cloud, or the one that DRILLBOOK_CONFORMANCE_ENDPOINT names (account:
DRILLBOOK_CONFORMANCE_ACCOUNT). Every test states its rule, or nothing is run:
``@pytest.mark.rule("what holds on AWS", "the page that says so")``. Name your resources after your test: all tests
share one endpoint. DRILLBOOK_CONFORMANCE_OUT is where the findings go as JSON, for ``scripts/targets_page.py``.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drillbook.embedded import process
from drillbook.embedded.domains import Failures, ServiceFault
from drillbook.embedded.process import Cloud

from .record import Record, write_rules

HERE, THERE = "us-east-1", "us-west-2"
"""The primary and the standby region."""
_LIMIT = 20
"""Seconds that one test may take at another endpoint, where a first call may be slow and a wait in vain."""


def pytest_configure(config: pytest.Config) -> None:
    if out := os.environ.get("DRILLBOOK_CONFORMANCE_OUT"):
        config.pluginmanager.register(Record(Path(out)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in ours:
        marker = item.get_closest_marker("rule")
        if marker is None or len(marker.args) != 2 or not marker.args[1].startswith("https://"):
            raise pytest.UsageError(f'{item.nodeid} does not state its rule: @pytest.mark.rule("…", "https://…")')
        if os.environ.get("DRILLBOOK_CONFORMANCE_ENDPOINT"):
            item.add_marker(pytest.mark.timeout(_LIMIT))
    if out := os.environ.get("DRILLBOOK_CONFORMANCE_RULES"):
        write_rules(ours, Path(out))


@dataclass(frozen=True)
class Endpoint:
    """Where the tests call. ``speed``: AWS durations are divided by this. ``cloud`` is None unless it is embedded."""

    url: str
    account: str
    speed: float
    cloud: Cloud | None = None

    def aws_seconds(self, seconds: float) -> float:
        """How long something that takes ``seconds`` on AWS is given here: emulators at speed 1 get 10 s at most."""
        return seconds / self.speed if self.speed > 1 else min(seconds, 10.0)

    def status(self, plane: str) -> dict[str, Any]:
        """What a plane of the embedded cloud says of itself. Fails anywhere else."""
        assert self.cloud is not None, "only the embedded cloud tells this"
        with urllib.request.urlopen(f"{self.url}/_drillbook/status") as answer:
            return dict(json.load(answer)["planes"][plane])


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    if url := os.environ.get("DRILLBOOK_CONFORMANCE_ENDPOINT"):
        yield Endpoint(url.rstrip("/"), os.environ.get("DRILLBOOK_CONFORMANCE_ACCOUNT", "000000000000"), 1.0)
        return
    cloud = process.start(tmp_path_factory.mktemp("conformance"), owner=os.getpid(), speed=100)
    yield Endpoint(cloud.endpoint, cloud.account, cloud.speed, cloud)
    process.stop(cloud)


@pytest.fixture(scope="session")
def client(endpoint: Endpoint) -> Iterator[Callable[..., Any]]:
    """``client("rds")`` in the primary region, ``client("rds", THERE)`` in the standby region. No retries."""
    made: dict[tuple[str, str], Any] = {}

    def make(service: str, region: str = HERE) -> Any:
        if (service, region) not in made:
            made[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=endpoint.url,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(
                    retries={"total_max_attempts": 1},
                    connect_timeout=5,
                    read_timeout=30,
                    s3={"addressing_style": "path"},
                ),
            )
        return made[service, region]

    yield make
    for one in made.values():
        one.close()


class Breaking:
    """Failure domains, which no AWS API has: the embedded cloud's own door. Mended when the test ends."""

    def __init__(self, endpoint: Endpoint) -> None:
        assert endpoint.cloud is not None, "this endpoint cannot lose a region, a zone, a link or a service"
        self._cloud = endpoint.cloud

    def region(self, *regions: str) -> None:
        self._add(regions=frozenset(regions))

    def zone(self, *zones: str) -> None:
        self._add(zones=frozenset(zones))

    def link(self, one: str, other: str) -> None:
        self._add(partitions=frozenset({frozenset({one, other})}))

    def service(self, fault: ServiceFault) -> None:
        self._add(services=frozenset({fault}))

    def mend(self) -> None:
        process.become(self._cloud, Failures())

    def _add(self, **more: frozenset[Any]) -> None:
        now = process.failures(self._cloud)
        process.become(self._cloud, replace(now, **{name: getattr(now, name) | value for name, value in more.items()}))


@pytest.fixture
def breaking(endpoint: Endpoint) -> Iterator[Breaking]:
    """``breaking.region(HERE)`` makes a region dark until the test ends."""
    made = Breaking(endpoint)
    yield made
    made.mend()
