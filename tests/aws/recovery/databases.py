"""Databases under recovery, and SQL for them."""

from __future__ import annotations

from typing import Any

import psycopg

from drillbook.aws.recovery.database_kinds import CLUSTER, INSTANCE, rds_of, wait_until_available
from drillbook.waiting import wait_for
from drillbook.world import World

from .attempts import Killed

HERE, THERE = "af-south-1", "eu-west-1"
USER, DATABASE, LOGIN = "app", "shop", "open-sesame-1"
CLASS = "db.r6g.large"
_OWNER = {"MasterUsername": USER, "MasterUserPassword": LOGIN}


def an_instance(world: World, name: str, region: str = HERE, **more: Any) -> dict[str, Any]:
    rds_of(world, region).create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        DBName=DATABASE,
        **{"BackupRetentionPeriod": 1} | _OWNER | more,
    )
    return wait_until_available(world, INSTANCE, name, region)


def a_cluster(world: World, name: str, region: str = HERE, *members: str, **more: Any) -> dict[str, Any]:
    owner = {} if "GlobalClusterIdentifier" in more or "ReplicationSourceIdentifier" in more else _OWNER
    named = {"DatabaseName": DATABASE} if owner else {}
    rds_of(world, region).create_db_cluster(
        DBClusterIdentifier=name, Engine="aurora-postgresql", **owner, **named, **more
    )
    wait_until_available(world, CLUSTER, name, region)
    for member in members:
        a_member(world, name, member, region)
    return wait_until_available(world, CLUSTER, name, region)


def a_member(world: World, cluster: str, name: str, region: str = HERE, **more: Any) -> None:
    rds_of(world, region).create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=cluster,
        Engine="aurora-postgresql",
        DBInstanceClass=CLASS,
        **more,
    )
    wait_until_available(world, INSTANCE, name, region)


def run(world: World, name: str, statement: str, region: str = HERE, *, cluster: bool = False) -> list[Any]:
    """The first column of the answer of an instance, or of a cluster's writer."""
    kind = CLUSTER if cluster else INSTANCE
    found = wait_until_available(world, kind, name, region)
    endpoint = (found["Endpoint"], found["Port"]) if cluster else tuple(found["Endpoint"].values())[:2]
    with psycopg.connect(
        host=endpoint[0], port=endpoint[1], user=USER, password=LOGIN, dbname=DATABASE, autocommit=True,
        connect_timeout=5,
    ) as connection:  # fmt: skip
        answer = connection.execute(statement.encode())
        return [row[0] for row in answer] if answer.description else []


def eventually(world: World, what: str, look: Any) -> Any:
    """Look until it is true; a lost connection counts as not yet."""

    def safely() -> Any:
        try:
            return look()
        except psycopg.Error:
            return None

    return wait_for(what, safely, timeout=60, interval=0.1, clock=world.clock)


def fail_after(monkeypatch: Any, client: Any, operation: str) -> None:
    """The next call of ``operation`` is carried out, and then the process ends; later calls are as ever."""
    call = getattr(client, operation)

    def killed(**arguments: Any) -> Any:
        monkeypatch.setattr(client, operation, call)
        call(**arguments)
        raise Killed

    monkeypatch.setattr(client, operation, killed)
