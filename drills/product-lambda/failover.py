"""Scenario 4: the primary region is lost. The standby's table is there; everything that serves it is deployed.

In this order: the standby is looked at, deployed and asked directly before any customer is sent there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery import health_checks, records, stacks
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import acting, session_of
from drillbook.errors import PermanentError
from drillbook.recovery import Phase, Plan, Step

from .contents import products_in
from .customers import declared, products_are_served, recorded, told
from .dns import SWITCH, check_of, zone_of
from .names import (
    APPLICATION_STACK,
    APPLICATION_TEMPLATE,
    FRONT,
    TABLE,
    application_parameters,
    own_name,
    primary,
    standby,
)  # fmt: skip

if TYPE_CHECKING:
    from drillbook.world import World

HELD = "what the standby held"
PATIENCE = 300.0
"""AWS seconds: a health check that is switched is heeded within seconds, so this is plenty."""


def fail_over(world: World) -> Plan:
    """Scenario 4, within the runbook's 30 minutes."""
    there = standby(world)
    return Plan(
        "fail over",
        (
            declared(world, f"{primary(world)} does not answer; the catalogue moves to {there}"),
            Step("look at the standby's table", lambda: look_at_the_standby(world), Phase.DECIDE, budget=60,
                 check=lambda: recall(world, HELD) is not None),
            Step("deploy the application", lambda: deploy_application(world, there), budget=900,
                 check=lambda: is_deployed(world, there), verify=lambda: is_deployed(world, there)),
            Step("ask the standby itself", lambda: None, Phase.VERIFY, budget=30,
                 verify=lambda: products_are_served(world, "{dr_door}")),
            Step("move the traffic", lambda: move_traffic(world), budget=300,
                 check=lambda: traffic_leads_to(world, there)),
            Step("check through the API", lambda: None, Phase.VERIFY, budget=30,
                 verify=lambda: products_are_served(world)),
            recorded(world, lambda: loss_notice(world)),
            told(world, f"the catalogue is served from {there}", lambda: loss_notice(world), there),
        ),
    )  # fmt: skip


def look_at_the_standby(world: World) -> None:
    """How many products are there to be served. Raises PermanentError if there is no table that could be."""
    from botocore.exceptions import ClientError

    there = standby(world)
    with acting("recovery"), calling(f"look at {TABLE} in {there}"):
        try:
            table = session_of(world).client("dynamodb", there).describe_table(TableName=TABLE)["Table"]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            raise PermanentError(
                f"there is no replica of {TABLE} in {there}: the standby has nothing to serve",
                code="ResourceNotFoundException",
                do="wait for the primary region, or restore a snapshot that was copied; move no traffic",
            ) from error
    if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
        raise PermanentError(f"{TABLE} in {there} is {table['TableStatus']}", do="ask DescribeTable what it waits for")
    remember(world, HELD, {"items": len(products_in(world, TABLE, there))})


def deploy_application(world: World, region: str) -> None:
    stacks.deploy(world, APPLICATION_STACK, APPLICATION_TEMPLATE, application_parameters(world, region), region=region)


def is_deployed(world: World, region: str) -> bool:
    parameters = application_parameters(world, region)
    return stacks.is_deployed(world, APPLICATION_STACK, APPLICATION_TEMPLATE, parameters, region=region)


def move_traffic(world: World) -> None:
    """Switch the primary's record off, and wait until every name server leads to the standby."""
    session = session_of(world)
    health_checks.say_unhealthy(world, check_of(session, SWITCH))
    there = addresses(world, own_name(world, standby(world)))
    records.wait_until_answered(world, zone_of(session), FRONT, "A", there, timeout=max(PATIENCE / world.speed, 10.0))


def traffic_leads_to(world: World, region: str) -> bool:
    return addresses(world, FRONT) == addresses(world, own_name(world, region))


def addresses(world: World, name: str) -> list[str]:
    """What Route 53 answers to the question for ``name`` (AWS: TestDNSAnswer)."""
    session = session_of(world)
    asked = {"HostedZoneId": zone_of(session), "RecordName": name, "RecordType": "A"}
    with acting("recovery"), calling(f"ask Route 53 for {name}"):
        return sorted(session.client("route53").test_dns_answer(**asked)["RecordData"])


def loss_notice(world: World) -> str:
    held = recall(world, HELD)["items"]
    return (
        f"Products are served from {standby(world)}, which held {held} of them. What was written in the last seconds"
        " before the loss may be missing there: look into it when the region is back."
    )
