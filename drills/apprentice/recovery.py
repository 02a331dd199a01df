"""Scenario 2: us-east-1 is lost, and the pilot light in us-west-2 is lit from the last backup that was copied there.

What the plan needs answers without us-east-1: vault, builds, roles, secret, names and switch are in place beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import notice
from drillbook.aws.session import session_of
from drillbook.recovery import Phase, Plan, Step

from . import failover, stakeholders
from .names import AWAY, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
ASSESS, DECIDE, CHOOSE, RESTORE, WRITER = (
    "assess the outage", "decide", "choose the newest copy", "restore the database", "create the writer",
)  # fmt: skip
DEPLOY, SITE, TRAFFIC, VALIDATE = "deploy the API", "sync the front end", "shift traffic", "validate as a customer"


def fail_over(world: World, *, critical_impact: bool) -> Plan:
    """The runbook's seven steps with its budgets, and the up to 60 minutes that its decision may take.

    190 minutes in all if nothing ran beside anything else, of the 4 hours that are promised.
    """
    topic = topic_arn(session_of(world).account, AWAY)
    return Plan(
        "fail over to us-west-2",
        (
            Step(ASSESS, lambda: failover.assess(world), Phase.DETECT, budget=3 * MINUTE,
                 check=lambda: failover.is_assessed(world)),
            notice.notice_step(world, "tell that the failover begins", topic, "Primary region down",
                               stakeholders.STARTED, budget=2 * MINUTE, region=AWAY),
            Step(DECIDE, lambda: failover.declare(world, critical_impact=critical_impact), Phase.DECIDE,
                 budget=60 * MINUTE, check=lambda: failover.is_declared(world), after=(ASSESS,)),
            Step(CHOOSE, lambda: failover.choose_copy(world), Phase.DECIDE, budget=5 * MINUTE,
                 check=lambda: failover.is_chosen(world)),
            Step(RESTORE, lambda: failover.restore_cluster(world), budget=45 * MINUTE,
                 check=lambda: failover.is_restored(world), verify=lambda: failover.is_restored(world)),
            Step(WRITER, lambda: failover.create_writer(world), budget=10 * MINUTE,
                 check=lambda: failover.has_writer(world), verify=lambda: failover.has_writer(world)),
            Step(DEPLOY, lambda: failover.deploy_api(world), budget=20 * MINUTE,
                 check=lambda: failover.is_deployed(world)),
            Step(SITE, lambda: failover.sync_site(world), budget=10 * MINUTE, after=(DECIDE,),
                 check=lambda: failover.is_site_synced(world), verify=lambda: failover.site_is_served(world)),
            Step(TRAFFIC, lambda: failover.shift_traffic(world), budget=15 * MINUTE, after=(DEPLOY, SITE),
                 check=lambda: failover.is_shifted(world)),
            Step(VALIDATE, lambda: None, Phase.VERIFY, budget=15 * MINUTE,
                 verify=lambda: failover.validate(world)),
            notice.notice_step(world, "tell that the failover is complete", topic, stakeholders.SUBJECT,
                               lambda: stakeholders.completed(world), budget=5 * MINUTE, region=AWAY),
        ),
    )  # fmt: skip
