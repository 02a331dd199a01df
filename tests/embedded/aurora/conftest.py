"""Clusters of the embedded cloud, made and used with boto3 and psycopg."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from drillbook.clock import SystemClock
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

REGION = "eu-west-1"
ENGINE = {"Engine": "aurora-postgresql"}


class Cluster:
    """One cluster with instances ``<name>-a`` and so on, each in the zone of that letter."""

    def __init__(self, rds: Any, name: str, region: str = REGION) -> None:
        self.rds, self.name, self.region = rds, name, region

    def create(self, *zones: str, **settings: Any) -> Cluster:
        login = {"MasterUsername": "app", "MasterUserPassword": "secret-one", "DatabaseName": "shop"}
        self.rds.create_db_cluster(DBClusterIdentifier=self.name, **ENGINE, **(login | settings))
        self.await_status("available")
        for zone in zones:
            self.add(zone)
        return self

    def add(self, zone: str) -> None:
        self.rds.create_db_instance(
            DBInstanceIdentifier=f"{self.name}-{zone}",
            DBClusterIdentifier=self.name,
            DBInstanceClass="db.r6g.large",
            AvailabilityZone=f"{self.region}{zone}",
            **ENGINE,
        )
        self.await_instance(zone)

    def described(self) -> dict[str, Any]:
        return dict(self.rds.describe_db_clusters(DBClusterIdentifier=self.name)["DBClusters"][0])

    def await_status(self, status: str) -> None:
        until(f"{self.name} is {status}", lambda: self.described()["Status"], lambda it: it == status)

    def await_instance(self, zone: str) -> None:
        def look() -> str:
            found = self.rds.describe_db_instances(DBInstanceIdentifier=f"{self.name}-{zone}")
            return str(found["DBInstances"][0]["DBInstanceStatus"])

        until(f"{self.name}-{zone} is available", look, lambda it: it == "available")

    def writer(self) -> str | None:
        members = self.described()["DBClusterMembers"]
        return next((one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]), None)

    def connect(self, *, reader: bool = False) -> psycopg.Connection[Any]:
        found = self.described()
        return psycopg.connect(
            host=found["ReaderEndpoint" if reader else "Endpoint"],
            port=found["Port"],
            user="app",
            password="secret-one",
            dbname="shop",
            connect_timeout=3,
            autocommit=True,
        )

    def run(self, sql: str, *, reader: bool = False) -> list[Any]:
        with self.connect(reader=reader) as database:
            found = database.execute(sql)
            return [row[0] for row in found] if found.description else []

    def soon(self, sql: str, *, reader: bool = False) -> list[Any]:
        """As ``run``, as soon as somebody answers."""

        def look() -> list[Any] | None:
            try:
                return self.run(sql, reader=reader)
            except psycopg.Error:
                return None

        return list(until(f"an answer of {self.name}", look, lambda seen: seen is not None) or [])


def until(what: str, look: Callable[[], Any], good: Callable[[Any], bool] = bool) -> Any:
    return wait_for(what, look, until=good, timeout=30, interval=0.03, clock=SystemClock())


@pytest.fixture(name="until")
def _until() -> Callable[..., Any]:
    return until


@pytest.fixture(name="cluster_of")
def _cluster_of() -> type[Cluster]:
    return Cluster


@pytest.fixture
def cluster(client: Callable[..., Any], request: pytest.FixtureRequest) -> Callable[..., Cluster]:
    def create(name: str, *zones: str, region: str = REGION, **settings: Any) -> Cluster:
        return Cluster(client("rds", region), name, region).create(*zones, **settings)

    return create


@pytest.fixture
def crash(cloud: Cloud) -> Callable[..., None]:
    from drillbook.embedded import process

    def crash(name: str, region: str = REGION, fault: str = "crash") -> None:
        process.command(cloud, "clusters", {"region": region, "id": name, "fault": fault})

    return crash
