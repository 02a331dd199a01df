"""Recoveries that go wrong on purpose, and worlds from which there is no recovery. A drill must go red with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.faults.region import RegionDark
from drillbook.aws.recovery import promote_cluster
from drillbook.aws.recovery.journalled import journal_of
from drillbook.aws.session import session_of
from drillbook.recovery import Plan, PlanFactory, Step
from drillbook.waiting import wait_for

from . import assessment, recovery
from .names import CLUSTERS, DR, GLOBAL_DATABASE, PRIMARY, TABLES, VAULT

if TYPE_CHECKING:
    from drillbook.world import World


# -- recoveries ------------------------------------------------------------------------------------------------------


def dns_before_deploy(factory: PlanFactory) -> PlanFactory:
    """The runbook's own order: customers are led to services that are not there yet, and nobody waits for them."""

    def sabotaged(world: World) -> Plan:
        plan = factory(world)
        early = tuple(replace(step, after=(recovery.LEADS,)) if step.name == recovery.SHIFTS else step
                      for step in plan.steps if step.name != recovery.DEPLOYS)  # fmt: skip
        return replace(plan, steps=tuple(_waiting_for_others(step) for step in early))

    return sabotaged


def split_brain(factory: PlanFactory) -> PlanFactory:
    """As the runbook has it: the replica is made a cluster of its own, and nobody fences the old primary."""

    def sabotaged(world: World) -> Plan:
        return _with_act(factory(world), recovery.PROMOTES, lambda: detach(world))

    return sabotaged


def both_regions_lost(factory: PlanFactory) -> PlanFactory:
    """The other region goes dark, too, while people still assess the situation."""

    def sabotaged(world: World) -> Plan:
        return _with_act(factory(world), recovery.ASSESSES, lambda: assess_in_vain(world))

    return sabotaged


def assess_in_vain(world: World) -> None:
    lose(world, DR)
    assessment.assess(world)


def lose(world: World, region: str) -> None:
    """Journalled as the drill's own fault is, so that heal brings the region back first."""
    change = RegionDark(world, RegionDark.Settings(region=region))
    journal_of(world).carry_out(change, factory="region.dark", settings={"region": region}, world=world)


def detach(world: World) -> None:
    promote_cluster.detach(world, GLOBAL_DATABASE, CLUSTERS[DR], DR)


def _waiting_for_others(step: Step) -> Step:
    if step.after and recovery.DEPLOYS in step.after:
        return replace(step, after=tuple(name for name in step.after if name != recovery.DEPLOYS))
    return step


def _with_act(plan: Plan, name: str, act: Callable[[], object]) -> Plan:
    """``plan`` with another deed in the step ``name``."""
    return replace(plan, steps=tuple(replace(step, act=act) if step.name == name else step for step in plan.steps))


# -- worlds ----------------------------------------------------------------------------------------------------------


def without_replica(world: World) -> None:
    """Somebody deleted the ledger's replica to save money."""
    rds = session_of(world).client("rds", DR)
    cluster = rds.describe_db_clusters(DBClusterIdentifier=CLUSTERS[DR])["DBClusters"][0]
    rds.remove_from_global_cluster(GlobalClusterIdentifier=GLOBAL_DATABASE, DbClusterIdentifier=cluster["DBClusterArn"])
    _wait(world, "the replica being on its own", lambda: _status(world) == "available")
    for member in cluster["DBClusterMembers"]:
        rds.delete_db_instance(DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier=CLUSTERS[DR], SkipFinalSnapshot=True)
    _wait(world, "the replica being gone", lambda: _status(world) == "")


def without_backups(world: World) -> None:
    """The recovery points are gone."""
    backup = session_of(world).client("backup", PRIMARY)
    points = backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT)["RecoveryPoints"]
    for point in points:
        backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=point["RecoveryPointArn"])


def without_a_table_replica(world: World) -> None:
    """One of the five tables is no global table any more."""
    dynamodb, name = session_of(world).client("dynamodb", PRIMARY), TABLES["incidents"]
    dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": DR}}])
    _wait(world, "the replica being gone", lambda: not dynamodb.describe_table(TableName=name)["Table"].get("Replicas"))


def _status(world: World) -> str:
    """Of the ledger's replica; empty if it is not there."""
    rds = session_of(world).client("rds", DR)
    found = [one for one in rds.describe_db_clusters()["DBClusters"] if one["DBClusterIdentifier"] == CLUSTERS[DR]]
    return str(found[0]["Status"]) if found else ""


def _wait(world: World, what: str, look: Callable[[], bool]) -> None:
    wait_for(what, look, timeout=60, interval=0.05, clock=world.clock)
