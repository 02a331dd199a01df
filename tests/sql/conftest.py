"""One PostgreSQL instance of an embedded cloud for all of these tests; each has a database of its own in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from drillbook import service
from drillbook.aws.session import Session
from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.sql.database import Database
from drillbook.waiting import wait_for
from drillbook.world import World

ROOT = Path(__file__).parents[2]
REGION, THERE, USER, LOGIN, INSTANCE = "af-south-1", "eu-west-1", "app", "open-sesame-1", "orders-db"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Cloud]:
    started = process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=1000)
    yield started
    process.stop(started)


@pytest.fixture
def world(cloud: process.Cloud, tmp_path: Path) -> Iterator[World]:
    clock = SystemClock()
    events = EventStream(clock)
    session = Session(
        cloud.account, REGION, cloud.endpoint, clock=clock, events=events, regions=[REGION, THERE], speed=cloud.speed
    )
    with Journal(tmp_path / "journal.sqlite3") as journal:
        yield World(
            target="embedded",
            basis=Basis.EMULATED,
            service=service.load(ROOT / "drills/product-lambda/service.yaml"),
            clock=clock,
            events=events,
            workdir=tmp_path,
            run_id=f"t-{uuid4().hex[:10]}",
            aws=session,
            journal=journal,
            speed=cloud.speed,
        )
    session.close()


@pytest.fixture(scope="session")
def instance(cloud: process.Cloud) -> Iterator[dict[str, Any]]:
    session = Session(cloud.account, REGION, cloud.endpoint, clock=SystemClock(), regions=[REGION])
    rds = session.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=INSTANCE, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
        DBName="orders", MasterUsername=USER, MasterUserPassword=LOGIN, BackupRetentionPeriod=1,
    )  # fmt: skip
    text = json.dumps({"username": USER, "password": LOGIN, "dbname": "orders"})
    session.client("secretsmanager").create_secret(Name="orders/login", SecretString=text)
    yield available(rds, INSTANCE)
    session.close()


def available(rds: Any, name: str) -> dict[str, Any]:
    return wait_for(
        name,
        lambda: dict(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]),
        until=lambda found: found["DBInstanceStatus"] == "available",
        timeout=60,
        clock=SystemClock(),
    )


@pytest.fixture
def database(instance: dict[str, Any]) -> Database:
    """A new, empty database."""
    name = f"t{uuid4().hex[:10]}"
    with connected(instance, "orders") as connection:
        connection.execute(f"create database {name}".encode())
    return Database(instance=INSTANCE, name=name, login="orders/login")


def connected(instance: dict[str, Any], name: str, **more: Any) -> psycopg.Connection[Any]:
    """As an application connects."""
    at = instance["Endpoint"]
    return psycopg.connect(
        host=at["Address"], port=at["Port"], user=USER, password=LOGIN, dbname=name, autocommit=True, **more
    )
