"""Instances of the embedded cloud, made and used with boto3 and psycopg."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.domains import Failures
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

USER, PASSWORD = "master", "correct-horse-1"


class Instance:
    """One instance, by its name."""

    def __init__(self, rds: Any, name: str) -> None:
        self.rds, self.name, self.it = rds, name, {"DBInstanceIdentifier": name}

    def begin(self, **more: Any) -> Instance:
        size = {"DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20}
        login = {"MasterUsername": USER, "MasterUserPassword": PASSWORD}
        self.rds.create_db_instance(**self.it, Engine="postgres", **size, **(login | more))
        return self

    def described(self) -> dict[str, Any]:
        return dict(self.rds.describe_db_instances(**self.it)["DBInstances"][0])

    def ready(self) -> Instance:
        seen = until(f"the end of the change of {self.name}", lambda: self.at_rest())
        assert seen == "available"
        return self

    def at_rest(self) -> str | None:
        status = str(self.described()["DBInstanceStatus"])
        return status if status in ("available", "failed", "stopped") else None

    def connect(self) -> psycopg.Connection[Any]:
        at = self.described()["Endpoint"]
        where = {"host": at["Address"], "port": at["Port"], "dbname": "postgres"}
        return psycopg.connect(user=USER, password=PASSWORD, autocommit=True, connect_timeout=3, **where)

    def run(self, sql: str) -> list[Any]:
        with self.connect() as connection:
            answer = connection.execute(sql.encode())
            return [row[0] for row in answer.fetchall()] if answer.description else []


def until(what: str, look: Callable[[], Any]) -> Any:
    return wait_for(what, look, timeout=30, interval=0.03, clock=SystemClock())


@pytest.fixture(name="until")
def _until() -> Callable[..., Any]:
    return until


@pytest.fixture
def instance(client: Callable[..., Any]) -> Callable[..., Instance]:
    """``instance(name, region)``: one that may be there or not."""
    return lambda name, region="eu-west-1": Instance(client("rds", region), name)


@pytest.fixture
def dark(cloud: Cloud) -> Iterator[Callable[..., None]]:
    """``dark(regions=["eu-west-1"])`` is in effect until ``dark()``, or until the test ends."""

    def become(**broken: Any) -> None:
        process.become(cloud, Failures(**{name: frozenset(them) for name, them in broken.items()}))

    yield become
    become()
