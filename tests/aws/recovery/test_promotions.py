"""Promotion of replicas, and the roles of global databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from drillbook.aws.recovery import cluster_instances, promote_cluster, promote_replica, replica_rebuild
from drillbook.aws.recovery.database_kinds import CLUSTER, INSTANCE, described, look, rds_of
from drillbook.embedded import process
from drillbook.embedded.domains import Failures
from drillbook.errors import PermanentError
from drillbook.events import EventKind
from drillbook.world import World

from .attempts import Killed, changes, healed
from .databases import CLASS, HERE, THERE, a_cluster, a_member, an_instance, eventually, fail_after, run


@pytest.fixture
def notes(world: World) -> list[str]:
    heard: list[str] = []
    world.events.listen(lambda event: heard.append(event.name) if event.kind is EventKind.NOTE else None)
    return heard


@pytest.fixture
def dark(cloud: process.Cloud) -> Iterator[Any]:
    yield lambda *regions: process.become(cloud, Failures(regions=frozenset(regions)))
    process.become(cloud, Failures())


def a_replica(world: World, name: str, region: str = THERE) -> str:
    source = an_instance(world, name)["DBInstanceArn"]
    run(world, name, "create table t as select 1 as n")
    rds_of(world, region).create_db_instance_read_replica(
        DBInstanceIdentifier=f"{name}-replica", SourceDBInstanceIdentifier=source, SourceRegion=HERE
    )
    eventually(world, "the row", lambda: run(world, f"{name}-replica", "select n from t", region))
    return f"{name}-replica"


def a_global_database(world: World, name: str) -> tuple[str, str]:
    """Its clusters here, which writes, and there."""
    arn = a_cluster(world, f"{name}-here", HERE, f"{name}-here-a")["DBClusterArn"]
    rds_of(world, HERE).create_global_cluster(GlobalClusterIdentifier=name, SourceDBClusterIdentifier=arn)
    a_cluster(world, f"{name}-there", THERE, GlobalClusterIdentifier=name)
    a_member(world, f"{name}-there", f"{name}-there-a", THERE)
    run(world, f"{name}-here", "create table t as select 1 as n", cluster=True)
    return f"{name}-here", f"{name}-there"


@pytest.mark.slow
def test_a_replica_is_promoted_once_and_heal_says_that_it_stays(
    world: World, name: str, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replica, rds = a_replica(world, name), rds_of(world, THERE)
    assert not promote_replica.is_promoted(world, replica, THERE)
    fail_after(monkeypatch, rds, "promote_read_replica")
    with pytest.raises(Killed):
        promote_replica.promote(world, replica, THERE)
    for _ in range(2):
        made = promote_replica.promote(world, replica, THERE, backup_days=3)
    assert made["DBInstanceStatus"] == "available"
    assert promote_replica.is_promoted(world, replica, THERE)
    run(world, replica, "insert into t values (2)", THERE)
    assert changes(world) == 1
    assert healed(world).ok
    assert promote_replica.is_promoted(world, replica, THERE)
    assert any(f"{replica} stays a database of its own" in note for note in notes)


@pytest.mark.slow
def test_what_is_no_replica_is_not_promoted(world: World, name: str) -> None:
    an_instance(world, name)
    with pytest.raises(PermanentError, match="replicates from nothing") as refused:
        promote_replica.promote(world, name)
    assert refused.value.code == "InvalidDBInstanceState"
    a_cluster(world, f"{name}-c")
    with pytest.raises(PermanentError, match="replicates from nothing"):
        promote_cluster.promote(world, f"{name}-c")
    assert changes(world) == 0


def test_what_is_not_there_is_not_promoted(world: World, name: str) -> None:
    for promote, code in (
        (promote_replica.promote, "DBInstanceNotFound"),
        (promote_cluster.promote, "DBClusterNotFoundFault"),
        (lambda of, it: promote_cluster.fail_over(of, it, it), "GlobalClusterNotFoundFault"),
    ):
        with pytest.raises(PermanentError) as refused:
            promote(world, name)
        assert refused.value.code == code


@pytest.mark.slow
def test_a_replica_cluster_is_promoted(world: World, name: str, notes: list[str]) -> None:
    arn = a_cluster(world, name, HERE, f"{name}-a")["DBClusterArn"]
    replica = f"{name}-replica"
    a_cluster(world, replica, THERE, ReplicationSourceIdentifier=arn)
    with pytest.raises(PermanentError, match="has no instance"):
        promote_cluster.promote(world, replica, THERE)
    a_member(world, replica, f"{replica}-a", THERE)
    assert not promote_cluster.is_independent(world, replica, THERE)
    for _ in range(2):
        promote_cluster.promote(world, replica, THERE)
    run(world, replica, "create table own (n int)", THERE, cluster=True)
    assert changes(world) == 1
    assert healed(world).ok
    assert promote_cluster.is_independent(world, replica, THERE)
    assert any("stays independent" in note for note in notes)


@pytest.mark.slow
def test_a_global_database_fails_over_from_a_dark_region_and_heal_switches_back(
    world: World, name: str, dark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = a_global_database(world, name)
    eventually(world, "the row", lambda: run(world, f"{there}-a", "select n from t", THERE))
    dark(HERE)
    fail_after(monkeypatch, rds_of(world, THERE), "failover_global_cluster")
    with pytest.raises(Killed):
        promote_cluster.fail_over(world, name, there, THERE)
    for _ in range(2):
        promote_cluster.fail_over(world, name, there, THERE)
    run(world, there, "insert into t values (2)", THERE, cluster=True)
    assert promote_cluster.writes(world, name, there, THERE)
    assert changes(world) == 1
    dark()
    assert healed(world).ok
    assert promote_cluster.role(world, name, here) == "writer"
    assert promote_cluster.role(world, name, there, THERE) == "reader"
    assert eventually(world, "both rows", lambda: run(world, here, "select n from t order by n", cluster=True)) == [
        1,
        2,
    ]


@pytest.mark.slow
def test_a_global_database_switches_over_and_back_and_a_new_secondary_joins(world: World, name: str) -> None:
    here, there = a_global_database(world, name)
    for _ in range(2):
        promote_cluster.switch_over(world, name, there, THERE)
    assert run(world, there, "select n from t", THERE, cluster=True) == [1]
    assert healed(world).ok
    assert promote_cluster.writes(world, name, here)
    for _ in range(2):
        promote_cluster.detach(world, name, there, THERE)
    assert promote_cluster.role(world, name, there, THERE) == ""
    run(world, there, "insert into t values (3)", THERE, cluster=True)
    with pytest.raises(PermanentError, match="is no member of the global cluster"):
        promote_cluster.switch_over(world, name, there, THERE)
    for _ in range(2):
        replica_rebuild.add_secondary(world, name, f"{name}-new", [cluster_instances.shape(CLASS)], region=THERE)
    assert promote_cluster.role(world, name, f"{name}-new", THERE) == "reader"
    assert eventually(world, "the row", lambda: run(world, f"{name}-new-1", "select n from t", THERE)) == [1]
    assert healed(world).ok
    assert look(rds_of(world, THERE), CLUSTER, f"{name}-new") is None
    assert look(rds_of(world, THERE), INSTANCE, f"{name}-new-1") is None
    assert described(rds_of(world, THERE), CLUSTER, there)["Status"] == "available"
