"""The plane inside this process, with a clock that only the test moves: no HTTP, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from drillbook.clock import VirtualClock
from drillbook.embedded.domains import Failures
from drillbook.embedded.dynamodb import replicas
from drillbook.embedded.dynamodb.backend import TimeTravelBackend
from drillbook.embedded.dynamodb.plane import DynamoDB
from drillbook.embedded.dynamodb.replication import GlobalTable
from drillbook.embedded.planes import CloudState

ACCOUNT = "111122223333"


class World:
    """One cloud's DynamoDB."""

    def __init__(self, speed: float = 1.0) -> None:
        self.clock = VirtualClock()
        self.cloud = CloudState(ACCOUNT, "http://127.0.0.1:1", speed, self.clock, Path("unused"))
        self.plane = DynamoDB()
        self.plane.install(self.cloud)

    def region(self, name: str) -> TimeTravelBackend:
        backend = dynamodb_backends[ACCOUNT][name]
        assert isinstance(backend, TimeTravelBackend)
        return backend

    def create(self, region: str, name: str = "orders", **more: Any) -> TimeTravelBackend:
        settings = {
            "schema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "attr": [{"AttributeName": "id", "AttributeType": "S"}],
            "throughput": None,
            "billing_mode": "PAY_PER_REQUEST",
            "streams": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            "tags": [],
        }
        absent = (
            "global_indexes",
            "indexes",
            "sse_specification",
            "deletion_protection_enabled",
            "warm_throughput",
        )
        self.region(region).create_table(name, **dict.fromkeys(absent) | settings | more)
        return self.region(region)

    def replicate(self, source: str, *targets: str, name: str = "orders", **more: Any) -> None:
        """Add replicas, filled and ACTIVE."""
        for target in targets:
            replicas.update(self.region(source), name, [{"Create": {"RegionName": target, **more}}])
            self.pass_by(1)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and deliver what is due then."""
        self.clock.sleep(seconds)
        while self.plane.deliver() == 0:
            pass

    def cut(self, *pairs: tuple[str, str], dark: tuple[str, ...] = ()) -> None:
        """Exactly these links are cut, and these regions dark."""
        partitions = frozenset(map(frozenset, pairs))
        self.cloud.domains.become(replace(Failures(), partitions=partitions, regions=frozenset(dark)))

    def group(self, region: str, name: str = "orders") -> GlobalTable:
        found = self.region(region).table(name).replication
        assert found is not None
        return found

    def content(self, region: str, name: str = "orders") -> dict[str, Any]:
        items = [item.to_regular_json() for item in self.region(region).table(name).all_items()]
        return {item["id"]: {key: value for key, value in item.items() if key != "id"} for item in items}

    def put(self, region: str, key: str, value: str, name: str = "orders") -> None:
        self.region(region).put_item(name, {"id": {"S": key}, "value": {"S": value}})


@contextmanager
def _world(speed: float = 1.0) -> Iterator[World]:
    made = World(speed)
    try:
        yield made
    finally:
        made.plane.close()


@pytest.fixture(scope="session")
def new_world() -> Callable[..., AbstractContextManager[World]]:
    return _world


@pytest.fixture
def world() -> Iterator[World]:
    with _world() as made:
        yield made
