"""The crash of an Aurora cluster's writer, by the journal's protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drillbook import catalogue
from drillbook.aws.session import session_of
from drillbook.clock import SystemClock
from drillbook.embedded.process import Cloud
from drillbook.errors import FaultError, UsageError
from drillbook.fault import Fault
from drillbook.waiting import wait_for
from drillbook.world import World


@pytest.fixture
def world(world: World, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> World:
    state = next(
        one.parent for one in tmp_path_factory.getbasetemp().glob("*/cloud.json") if cloud.id in one.read_text()
    )
    world.address = {"cloud": cloud.id, "state": str(state)}
    return world


def crash_of(world: World, cluster: str) -> Fault:
    found = catalogue.resolve("fault", "aurora.writer_crash")
    made = found(world, found.Settings.model_validate({"cluster": cluster}))
    assert isinstance(made, Fault)
    return made


def a_cluster(world: World, name: str, *instances: str) -> Any:
    rds = session_of(world).client("rds")
    common = {"Engine": "aurora-postgresql", "DBClusterIdentifier": name}
    rds.create_db_cluster(MasterUsername="app", MasterUserPassword="secret-one", **common)
    for instance in instances:
        rds.create_db_instance(DBInstanceIdentifier=f"{name}-{instance}", DBInstanceClass="db.r6g.large", **common)
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=f"{name}-{instance}")
    return rds


def test_the_writer_crashes_and_aurora_recovers(world: World, name: str) -> None:
    rds = a_cluster(world, name, "one", "two")
    made = crash_of(world, name)
    kept = json.dumps(made.capture())
    assert not made.observe(json.loads(kept))
    made.apply(json.loads(kept))
    wait_for("the crash", lambda: made.observe(json.loads(kept)), timeout=20, clock=SystemClock())
    again = crash_of(world, name)
    again.restore(json.loads(kept))
    wait_for("the recovery", lambda: again.restored(json.loads(kept)), timeout=20, clock=SystemClock())

    def writers() -> list[str]:
        members = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]["DBClusterMembers"]
        return [one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]]

    wait_for("the promotion", lambda: writers() == [f"{name}-two"], timeout=20, clock=SystemClock())
    assert made.touches() == [rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]["DBClusterArn"]]


def test_a_cluster_without_a_writer_cannot_be_hurt(world: World, name: str) -> None:
    a_cluster(world, name)
    with pytest.raises(FaultError, match="has no writer"):
        crash_of(world, name).capture()


def test_only_the_embedded_cloud_can_do_this(world: World, name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only the embedded cloud can crash"):
        crash_of(replace(world, target="aws"), name)
