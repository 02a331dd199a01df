"""Recoveries that cannot go on. The drill must go red with each, and say why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.faults.region import RegionDark
from drillbook.aws.recovery.journalled import journal_of
from drillbook.aws.session import session_of
from drillbook.recovery import Plan, PlanFactory
from drillbook.waiting import wait_for

from .databases import READER
from .names import AWAY, HOME, VAULT

if TYPE_CHECKING:
    from drillbook.world import World

_PATIENCE = 60.0


def no_copy(factory: PlanFactory) -> PlanFactory:
    """Nothing was ever copied to the standby region."""

    def sabotaged(world: World) -> Plan:
        backup = session_of(world).client("backup", AWAY)
        for point in backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT)["RecoveryPoints"]:
            backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=point["RecoveryPointArn"])
        return factory(world)

    return sabotaged


def both_regions_lost(factory: PlanFactory) -> PlanFactory:
    """The standby region goes dark, too, before anybody looks."""

    def sabotaged(world: World) -> Plan:
        plan = factory(world)
        first = plan.steps[0]

        def act() -> None:
            _lose(world, AWAY)
            first.act()

        return replace(plan, steps=(replace(first, act=act), *plan.steps[1:]))

    return sabotaged


def _lose(world: World, region: str) -> None:
    """Journalled as the drill's own fault is, so that heal brings the region back first."""
    change = RegionDark(world, RegionDark.Settings(region=region))
    journal_of(world).carry_out(change, factory="region.dark", settings={"region": region}, world=world)


def without_reader(world: World) -> None:
    """Somebody deleted the reader to save money: nothing is there to take over."""
    rds = session_of(world).client("rds", HOME)
    rds.delete_db_instance(DBInstanceIdentifier=READER, SkipFinalSnapshot=True)

    def is_gone() -> bool:
        return READER not in [each["DBInstanceIdentifier"] for each in rds.describe_db_instances()["DBInstances"]]

    wait_for(f"{READER} being gone", is_gone, timeout=_PATIENCE, interval=0.05, clock=world.clock)
