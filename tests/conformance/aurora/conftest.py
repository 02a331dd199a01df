"""Aurora clusters under test, and SQL for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

HERE = "us-east-1"
_MOST_ROWS = 100_000
PATIENCE = 30.0
"""Seconds that a state is waited for; real services would need far longer."""


@dataclass
class Aurora:
    """The clusters of one region: every call is boto3's or psycopg's."""

    rds: Any
    region: str

    def create(self, name: str, *members: str, **settings: Any) -> dict[str, Any]:
        """A cluster with instances ``name-a`` and so on, each in the zone of that letter."""
        settings = {"MasterUsername": "app", "MasterUserPassword": "secret-one", "DatabaseName": "shop"} | settings
        self.rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", **settings)
        self.available(name)
        for zone in members:
            self.add(name, zone)
        return self.describe(name)

    def secondary(self, name: str, *members: str, **source: str) -> dict[str, Any]:
        """A cluster that replicates from a global cluster or from another region's cluster."""
        self.rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", **source)
        self.available(name)
        for zone in members:
            self.add(name, zone)
        return self.describe(name)

    def add(self, name: str, zone: str, **settings: Any) -> None:
        self.rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{zone}",
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
            AvailabilityZone=f"{self.region}{zone}",
            **settings,
        )
        self.instance_available(f"{name}-{zone}")

    def describe(self, name: str) -> dict[str, Any]:
        return dict(self.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0])

    def instance(self, name: str) -> dict[str, Any]:
        return dict(self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])

    def available(self, name: str) -> dict[str, Any]:
        found = until(f"{name} is available", lambda: self.describe(name), lambda it: it["Status"] == "available")
        return dict(found)

    def instance_available(self, name: str) -> None:
        until(f"{name} is available", lambda: self.instance(name), lambda it: it["DBInstanceStatus"] == "available")

    def writer(self, name: str) -> str | None:
        members = self.describe(name)["DBClusterMembers"]
        return next((one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]), None)

    def connect(self, name: str, *, reader: bool = False, password: str = "secret-one") -> psycopg.Connection[Any]:
        """Through the cluster endpoint, or the reader endpoint."""
        cluster = self.describe(name)
        host = cluster["ReaderEndpoint" if reader else "Endpoint"]
        return connection(host, cluster["Port"], password)

    def connect_instance(self, name: str, password: str = "secret-one") -> psycopg.Connection[Any]:
        endpoint = self.instance(name)["Endpoint"]
        return connection(endpoint["Address"], endpoint["Port"], password)

    def run(self, name: str, sql: str, *, reader: bool = False) -> list[Any]:
        with self.connect(name, reader=reader) as database:
            found = database.execute(sql)
            return [row[0] for row in found] if found.description else []

    def try_run(self, name: str, sql: str, *, reader: bool = False) -> list[Any] | None:
        """None if nothing answers, or the answer is an error."""
        try:
            return self.run(name, sql, reader=reader)
        except psycopg.Error:
            return None

    def write_until_cut(
        self, name: str, acknowledged: list[float], after_each: Callable[[int], None] = lambda _: None
    ) -> None:
        """Insert 0, 1, 2… into t until the connection breaks; ``acknowledged`` grows by the moment of each."""
        database = self.connect(name)
        try:
            while len(acknowledged) < _MOST_ROWS:
                database.execute("insert into t values (%s)", [len(acknowledged)])
                acknowledged.append(SystemClock().monotonic())
                after_each(len(acknowledged))
        except psycopg.Error:
            return
        finally:
            database.close()
        raise AssertionError(f"nothing broke the connection to {name}")

    def writes(self, name: str) -> None:
        """Wait until the cluster endpoint takes a write."""
        until(
            f"{name} takes writes",
            lambda: self.try_run(name, "create table if not exists probe (n int)"),
            lambda seen: seen is not None,
        )


def connection(host: str, port: int, password: str = "secret-one") -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=host,
        port=port,
        user="app",
        password=password,
        dbname="shop",
        connect_timeout=3,
        autocommit=True,
        tcp_user_timeout=5000,
        keepalives_idle=1,
    )


def until(what: str, look: Callable[[], Any], good: Callable[[Any], bool] = bool) -> Any:
    return wait_for(what, look, until=good, timeout=PATIENCE, interval=0.05, clock=SystemClock())


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The call inside is refused with this code, as the caller's mistake."""
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code, caught.value
    assert 400 <= caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500


@pytest.fixture(name="refused")
def _refused() -> Callable[[str], Any]:
    return refused


@pytest.fixture(name="until")
def _until() -> Callable[..., Any]:
    return until


@pytest.fixture
def aurora(client: Callable[..., Any]) -> Callable[..., Aurora]:
    """``aurora()`` in the primary region, ``aurora("us-west-2")`` in another one."""

    def of(region: str = HERE) -> Aurora:
        return Aurora(client("rds", region), region)

    return of
