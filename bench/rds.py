"""How fast databases of the embedded cloud are, against PostgreSQL's own tools in the same run.

    .venv/bin/python bench/rds.py

Goals on a quiet machine: first create <= 2 s, later <= 0.4 s; kill -> promoted -> first write <= 0.6 s; restore to a
point in time <= 0.5 s for 10,000 rows. All figures are seconds; the baseline is what psycopg and the servers' own
programs need for the same work without a cloud around them (creating includes no backup, master user or API there).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psycopg

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres.archive import Archive
from drillbook.embedded.postgres.engine import Engine
from drillbook.waiting import wait_for

ROWS = 10_000
PASSWORD = "correct-horse-1"
clock = SystemClock()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="drillbook-bench-") as folder:
        Path(folder).chmod(0o755)
        baseline = of_postgres(Path(folder, "raw"))
        cloud = process.start(Path(folder, "cloud"), owner=os.getpid(), speed=100)
        try:
            figures = of_cloud(cloud)
        finally:
            process.stop(cloud)
    for name, goal in (("first create", 2.0), ("create", 0.4), ("failover", 0.6), ("point in time", 0.5)):
        print(f"{name:15} {figures[name]:6.2f} s  goal {goal:.1f} s  PostgreSQL alone {baseline.get(name, 0.0):.2f} s")


def of_cloud(cloud: process.Cloud) -> dict[str, float]:
    rds = boto3.client(
        "rds", region_name="us-east-1", endpoint_url=cloud.endpoint, aws_access_key_id="t", aws_secret_access_key="t"
    )
    figures = {"first create": took(lambda: create(rds, "first"))}
    figures["create"] = min(took(lambda name=name: create(rds, name)) for name in ("a", "b", "c"))
    multi = create(rds, "multi", MultiAZ=True)

    def fail_over() -> None:
        process.command(cloud, "databases", {"region": "us-east-1", "id": "multi", "fault": "crash"})
        wait_for("a write", lambda: wrote(multi), timeout=30, interval=0.005, clock=clock)

    query(multi, "create table writes (n int)")
    figures["failover"] = took(fail_over)
    source = described(rds, "a")
    query(source, f"create table many as select n from generate_series(1, {ROWS}) n")
    written = query(source, "select clock_timestamp()")[0][0]
    wait_for("the archive", lambda: described(rds, "a")["LatestRestorableTime"] > written, timeout=30, clock=clock)

    def restore(name: str) -> None:
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="a", TargetDBInstanceIdentifier=name, RestoreTime=written
        )
        assert query(available(rds, name), "select count(*) from many") == [(ROWS,)]

    figures["point in time"] = min(took(lambda name=name: restore(name)) for name in ("r1", "r2"))
    return figures


def of_postgres(scratch: Path) -> dict[str, float]:
    scratch.mkdir()
    engine = Engine(CloudState("111122223333", "http://127.0.0.1:1", 100, clock, scratch))
    try:
        assert engine.template
        figures = {"create": took(lambda: engine.create("one").start())}
        first = engine.create("two")
        archive = Archive(engine, engine.folder("backups", "two"))
        first.settings["archive_command"] = archive.command
        first.start()
        archive.back_up(first)
        first.query(f"create table many as select n from generate_series(1, {ROWS}) n")
        moment = archive.heartbeat(first)
        figures["point in time"] = took(lambda: archive.restore(engine.empty("then"), moment))
        standby = engine.copy_of(first, "standby")
        standby.follow(first.home, "standby")
        standby.start()

        def fail_over() -> None:
            first.kill()
            standby.promote()
            standby.query("create table writes ()")

        figures["failover"] = took(fail_over)
        return figures
    finally:
        engine.close()


def took(work: Callable[[], Any]) -> float:
    began = clock.monotonic()
    work()
    return clock.monotonic() - began


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
    return available(rds, name)


def described(rds: Any, name: str) -> dict[str, Any]:
    return dict(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])


def available(rds: Any, name: str) -> dict[str, Any]:
    return wait_for(
        name,
        lambda: described(rds, name),
        until=lambda seen: seen["DBInstanceStatus"] == "available",
        timeout=60,
        interval=0.01,
        clock=clock,
    )


def query(instance: dict[str, Any], sql: str) -> list[tuple[Any, ...]]:
    where = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"], "dbname": "postgres"}
    with psycopg.connect(user="master", password=PASSWORD, autocommit=True, connect_timeout=5, **where) as connection:
        answer = connection.execute(sql.encode())
        return answer.fetchall() if answer.description else []


def wrote(instance: dict[str, Any]) -> bool:
    try:
        query(instance, "insert into writes values (1)")
    except psycopg.Error:
        return False
    return True


if __name__ == "__main__":
    main()
