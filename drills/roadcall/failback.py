"""Home to us-east-1: a planned cut-over. Nothing that was acknowledged in us-west-2 is lost.

The runbook takes a snapshot of the ledger and restores it in us-east-1, which loses what is written after the snapshot
and leaves no replication. A global database needs none of that: the old primary follows by itself, and is switched to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.recovery import notice, promote_cluster, stacks, table_replicas, writes
from drillbook.aws.session import session_of
from drillbook.errors import TemporaryError
from drillbook.recovery import Phase, Plan, Step

from . import aftermath, customers, standby
from .names import CLUSTERS, DR, GLOBAL_DATABASE, PRIMARY, STACK, STAGE, TABLES, topic_arn
from .switch import is_thrown, take_back

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
WELL = "verify that us-east-1 is well"
COUNTS = "count what us-east-1 kept to itself"
FOLLOWS = "wait until the ledger follows in us-east-1"
FREEZES = "stop writes in us-west-2"
TABLES_EQUAL = "wait until the tables are the same"
SWITCHES = "switch the ledger over to us-east-1"
RETURNS = "lead customers home"


def fail_back(world: World) -> Plan:
    """Writes are refused from the freeze until DNS leads home; reads are answered all the time."""
    return Plan("fail back to us-east-1", (*_prepare(world), *_cut_over(world), *_tidy_up(world)))


def _prepare(world: World) -> tuple[Step, ...]:
    """Steps 1 and 2, while customers are served from us-west-2."""
    return (
        Step(WELL, lambda: None, Phase.VERIFY, budget=15 * MINUTE, verify=lambda: is_well(world)),
        Step(COUNTS, lambda: aftermath.count(world), Phase.DECIDE, budget=30 * MINUTE, after=(WELL,),
             check=lambda: aftermath.is_counted(world)),
        Step(FOLLOWS, lambda: None, budget=30 * MINUTE, after=(WELL,),
             verify=lambda: standby.follows(world, PRIMARY)),
    )  # fmt: skip


def _cut_over(world: World) -> tuple[Step, ...]:
    """Steps 2 and 3: no region takes writes until the other has everything."""
    return (
        Step(FREEZES, lambda: stop_writes(world), budget=1 * MINUTE, after=(COUNTS, FOLLOWS),
             check=lambda: are_writes_stopped(world), verify=lambda: refuses_writes(world)),
        Step(TABLES_EQUAL, lambda: catch_up(world), budget=5 * MINUTE, after=(FREEZES,),
             check=lambda: not is_thrown(world)),
        Step(SWITCHES, lambda: switch_ledger(world), budget=5 * MINUTE, after=(FREEZES,),
             check=lambda: standby.takes_writes(world, PRIMARY), verify=lambda: standby.takes_writes(world, PRIMARY)),
        Step("verify us-east-1 by its own name", lambda: None, Phase.VERIFY, budget=2 * MINUTE,
             after=(TABLES_EQUAL, SWITCHES), verify=lambda: standby.serves(world, PRIMARY)),
        Step(RETURNS, lambda: take_back(world), budget=5 * MINUTE,
             check=lambda: not is_thrown(world), verify=lambda: customers.serving_region(world) == PRIMARY),
    )  # fmt: skip


def _tidy_up(world: World) -> tuple[Step, ...]:
    """Steps 4 and 5. us-west-2 keeps refusing writes until its services are gone."""
    topic = topic_arn(session_of(world).account, PRIMARY)
    told = notice.notice_step(
        world, "tell the customers", topic, "Roadside assistance is served from us-east-1 again",
        lambda: aftermath.told(world), budget=5 * MINUTE,
    )  # fmt: skip
    return (
        replace(told, after=(RETURNS,)),
        Step("monitor the failback", lambda: None, Phase.VERIFY, budget=15 * MINUTE, after=(RETURNS,),
             verify=lambda: is_home(world)),
        Step("scale us-west-2 down", lambda: stacks.remove(world, STACK, region=DR), budget=10 * MINUTE,
             check=lambda: not standby.is_deployed(world, DR)),
        notice.record_step(world, "close the incident", "closed", lambda: aftermath.told(world), budget=5 * MINUTE),
    )  # fmt: skip


# -- the steps --------------------------------------------------------------------------------------------------------


def is_well(world: World) -> bool:
    """Are the functions there, do they answer from their tables, and is the ledger's old cluster available again?"""
    return (
        standby.is_deployed(world, PRIMARY)
        and customers.answers(world, "/matches/north", PRIMARY)
        and standby.is_available(world, PRIMARY)
        and all(set(table_replicas.replicas(world, name, DR).values()) == {"ACTIVE"} for name in TABLES.values())
    )


def stop_writes(world: World) -> None:
    writes.stop(world, _api(world), STAGE, region=DR)


def are_writes_stopped(world: World) -> bool:
    return not is_thrown(world) or writes.are_stopped(world, _api(world), STAGE, region=DR)


def refuses_writes(world: World) -> bool:
    """Is a write by a customer refused? It has no content: let in, it would be answered 400."""
    answer = customers.request(world, "/incidents", method="POST", body={})
    if answer.status != 429:
        raise TemporaryError(f"a write was answered {answer.status}", do="see the throttles of the stage")
    return True


def catch_up(world: World) -> None:
    for name in TABLES.values():
        table_replicas.wait_until_caught_up(world, name, DR, PRIMARY)


def switch_ledger(world: World) -> None:
    """It synchronises the two sides itself; AWS refuses unless both are well."""
    promote_cluster.switch_over(world, GLOBAL_DATABASE, CLUSTERS[PRIMARY], PRIMARY)


def is_home(world: World) -> bool:
    """Is us-east-1 well under traffic, and does us-west-2 follow it again?"""
    return standby.runs_well(world, PRIMARY) and standby.follows(world, DR)


def _api(world: World) -> str:
    return stacks.outputs(world, STACK, region=DR)["Api"]
