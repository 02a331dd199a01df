"""However a cloud or a server ends, no server of it stays, and what was committed is there again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.errors import TargetError
from drillbook.liveness import birth_of
from drillbook.waiting import wait_for

clock = SystemClock()
PASSWORD = "correct-horse-1"


def create(rds: Any, name: str, **more: Any) -> dict[str, Any]:
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword=PASSWORD,
        **more,
    )
    return until(rds, name, "available")


def until(rds: Any, name: str, status: str) -> dict[str, Any]:
    return wait_for(
        f"{name} {status}",
        lambda: dict(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]),
        until=lambda seen: seen["DBInstanceStatus"] == status,
        timeout=30,
        clock=clock,
    )


def query(instance: dict[str, Any], sql: str) -> list[tuple[Any, ...]]:
    where = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"], "dbname": "postgres"}
    with psycopg.connect(user="master", password=PASSWORD, autocommit=True, connect_timeout=5, **where) as connection:
        answer = connection.execute(sql.encode())
        return answer.fetchall() if answer.description else []


def pids(cloud: Cloud) -> list[int]:
    return list(process.status(cloud)["planes"]["rds"]["pids"])


def test_a_killed_cloud_leaves_no_server(tmp_path: Path) -> None:
    cloud = process.start(tmp_path, owner=os.getpid(), speed=100)
    rds = boto3.client(
        "rds", region_name="us-east-1", endpoint_url=cloud.endpoint, aws_access_key_id="t", aws_secret_access_key="t"
    )
    create(rds, "killed")
    running = pids(cloud)
    os.kill(cloud.pid, signal.SIGKILL)
    wait_for("the end", lambda: not [pid for pid in running if birth_of(pid)], timeout=10, clock=clock)
    process.stop(cloud)
    rds.close()


def test_a_killed_server_comes_back_with_what_was_committed(cloud: Cloud, client: Callable[..., Any]) -> None:
    rds = client("rds")
    before = pids(cloud)
    instance = create(rds, "comes-back", BackupRetentionPeriod=0)
    query(instance, "create table kept as select 42 as n")
    (pid,) = set(pids(cloud)) - set(before)
    os.kill(pid, signal.SIGKILL)

    def back() -> list[tuple[Any, ...]]:
        try:
            return query(instance, "select n from kept")
        except psycopg.Error:
            return []

    assert wait_for("the server again", back, timeout=20, clock=clock) == [(42,)]


@pytest.mark.parametrize("said", [{}, {"region": "eu-west-1", "id": "nobody", "fault": "crash"}])
def test_a_fault_of_nothing_is_refused(cloud: Cloud, said: dict[str, str]) -> None:
    with pytest.raises(TargetError, match="there is no fault"):
        process.command(cloud, "databases", said)


def test_a_cloud_without_postgresql_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRILLBOOK_POSTGRES", str(tmp_path))
    cloud = process.start(tmp_path, owner=os.getpid(), speed=100)
    rds = boto3.client(
        "rds", region_name="us-east-1", endpoint_url=cloud.endpoint, aws_access_key_id="t", aws_secret_access_key="t"
    )
    with pytest.raises(Exception, match="does not hold initdb") as refused:
        create(rds, "nowhere")
    assert "x-drillbook-cloud-fault" in refused.value.response["ResponseMetadata"]["HTTPHeaders"]  # type: ignore[attr-defined]
    process.stop(cloud)
    rds.close()
