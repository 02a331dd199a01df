"""Scenario 1: us-east-1 is lost, us-west-2 takes over. The runbook's eight steps in an order that works.

The services are deployed before customers are led to them, beside the promotion of the database. One after the other
the runbook's own budgets are 65 minutes and more, where its objective is an hour; here the longest way takes 55.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drillbook.aws.recovery import notice, promote_cluster, stacks
from drillbook.aws.session import session_of
from drillbook.recovery import Phase, Plan, Step
from drillbook.report import notices

from . import assessment, customers, standby
from .names import CLUSTERS, DR, GLOBAL_DATABASE, PRIMARY, STACK, TEMPLATE, stack_parameters, topic_arn
from .switch import is_thrown, throw

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
ASSESSES = "assess the situation"
LEADS = "the on-call engineer takes the lead"
PROMOTES = "promote the Aurora replica"
DEPLOYS = "deploy the services to us-west-2"
SHIFTS = "lead customers to us-west-2"
CALL = f"{PRIMARY} does not answer; on-call engineer, platform owner and customer support: join the incident channel"
REGRET = "We serve from another region. What was reported in the last minute before the outage may have to be repeated."


def fail_over(world: World) -> Plan:
    """Steps 1 to 8. Promotion and deployment go side by side, and so do watching and telling."""
    return Plan("fail over to us-west-2", (*_decide(world), *_take_over(world), *_tell(world)))


def _decide(world: World) -> tuple[Step, ...]:
    """Steps 1 and 2."""
    topic = topic_arn(session_of(world).account, DR)
    return (
        Step(ASSESSES, lambda: assessment.assess(world), Phase.DECIDE, budget=5 * MINUTE,
             check=lambda: assessment.is_decided(world)),
        notice.record_step(world, "declare the incident", "declared", lambda: assessment.declaration(world),
                           budget=1 * MINUTE),
        notice.notice_step(world, "call the incident response team", topic, f"DR event: {PRIMARY} is lost",
                           lambda: notices.incident_declared(world, CALL, region=DR), budget=1 * MINUTE),
        Step(LEADS, lambda: "Take the lead of the incident, and say so in its channel.", Phase.COMMUNICATE,
             budget=3 * MINUTE, manual=True),
    )  # fmt: skip


def _take_over(world: World) -> tuple[Step, ...]:
    """Steps 3 to 7."""
    return (
        Step(PROMOTES, lambda: promote(world), budget=10 * MINUTE, after=(LEADS,),
             check=lambda: standby.takes_writes(world, DR), verify=lambda: standby.takes_writes(world, DR)),
        Step(DEPLOYS, lambda: deploy(world), budget=20 * MINUTE, after=(LEADS,),
             check=lambda: is_deployed(world), verify=lambda: is_deployed(world)),
        Step("verify the services by their own name", lambda: None, Phase.VERIFY, budget=10 * MINUTE,
             after=(PROMOTES, DEPLOYS), verify=lambda: standby.serves(world, DR)),
        Step(SHIFTS, lambda: throw(world), budget=5 * MINUTE,
             check=lambda: is_thrown(world), verify=lambda: customers.serving_region(world) == DR),
        Step("monitor and validate", lambda: None, Phase.VERIFY, budget=10 * MINUTE,
             verify=lambda: standby.runs_well(world, DR)),
    )  # fmt: skip


def _tell(world: World) -> tuple[Step, ...]:
    """Step 8, while the others still watch."""
    topic = topic_arn(session_of(world).account, DR)
    told = (
        notice.notice_step(world, "tell the customers", topic, "Roadside assistance is available again", REGRET,
                           budget=5 * MINUTE),
        notice.notice_step(world, "tell the stakeholders", topic, f"Roadside assistance: served from {DR}",
                           lambda: notices.failover_complete(world, region=DR), budget=5 * MINUTE),
        notice.record_step(world, "update status page and ticket", "mitigated", f"customers are served from {DR}",
                           budget=5 * MINUTE),
    )  # fmt: skip
    return tuple(replace(step, after=(SHIFTS,)) for step in told)


# -- the steps --------------------------------------------------------------------------------------------------------


def promote(world: World) -> None:
    """The runbook promotes a read replica cluster, which Aurora PostgreSQL has not: it is a global database."""
    promote_cluster.fail_over(world, GLOBAL_DATABASE, CLUSTERS[DR], DR)


def deploy(world: World) -> None:
    account = session_of(world).account
    stacks.deploy(world, STACK, TEMPLATE, stack_parameters(account, DR), region=DR)


def is_deployed(world: World) -> bool:
    account = session_of(world).account
    return stacks.is_deployed(world, STACK, TEMPLATE, stack_parameters(account, DR), region=DR)
