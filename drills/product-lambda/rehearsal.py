"""The monthly drill: the standby is deployed and asked, and no customer notices.

Only reads are tried there. The standby's table is the very table that customers write to, in another region: a product
that a rehearsal wrote would be in production a second later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import notice, stacks
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError, WaitTimeout
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.service_model import HttpRequest
from drillbook.waiting import wait_for
from drillbook.web.request import send

from . import snapshot
from .contents import products_in
from .customers import products_are_served
from .failover import deploy_application, is_deployed, look_at_the_standby, traffic_leads_to
from .names import APPLICATION_STACK, TABLE, bucket_of, primary, standby

if TYPE_CHECKING:
    from drillbook.world import World

SEEN = "what the rehearsal saw"
PATIENCE = 10.0
"""Seconds, not scaled: replication is real."""


def rehearse(world: World) -> Plan:
    """The runbook's five steps, with budgets that add up to an hour."""
    there = standby(world)
    return Plan(
        "rehearse the failover",
        (
            snapshot.step(world),
            Step("look at the standby's table", lambda: look_at_the_standby(world), Phase.VERIFY, budget=60),
            Step("deploy the application", lambda: deploy_application(world, there), budget=900,
                 check=lambda: is_over(world) or is_deployed(world, there)),
            Step("ask the standby itself", lambda: None, Phase.VERIFY, budget=30, check=lambda: is_over(world),
                 verify=lambda: products_are_served(world, "{dr_door}")),
            Step("compare what it serves", lambda: compare(world), Phase.VERIFY, budget=300,
                 check=lambda: is_over(world)),
            notice.record_step(world, "write down what was seen", "rehearsed", lambda: seen_text(world), budget=60),
            Step("file the record", lambda: notice.file_incident(world, record_place(world)), Phase.COMMUNICATE,
                 budget=60),
            Step("tear the standby down", lambda: stacks.remove(world, APPLICATION_STACK, region=there), budget=900),
            Step("see that customers were left alone", lambda: see_that_nothing_moved(world), Phase.VERIFY, budget=120),
        ),
    )  # fmt: skip


def is_over(world: World) -> bool:
    return recall(world, SEEN) is not None


def compare(world: World) -> None:
    """The standby holds what the primary holds, but for what is on its way. Raises PermanentError if not."""
    here = {item["id"]["S"]: item for item in products_in(world, TABLE)}
    there = {item["id"]["S"]: item for item in products_in(world, TABLE, standby(world))}
    behind = sorted(key for key, item in here.items() if there.get(key) != item)
    behind = [key for key in behind if not _arrives(world, key)]
    if behind:
        what = f"{len(behind)} products are not in {standby(world)} as they are here ({', '.join(behind[:3])})"
        raise PermanentError(what, do="see why replication stopped: the standby would lose them")
    remember(world, SEEN, {"here": len(here), "there": len(there)})


def _arrives(world: World, key: str) -> bool:
    """Does what was on its way arrive? AWS replicates "usually within a second"; a customer may write it again."""

    def is_the_same() -> bool:
        session, asked = session_of(world), {"TableName": TABLE, "Key": {"id": {"S": key}}}
        regions = (primary(world), standby(world))
        first, second = (session.client("dynamodb", region).get_item(**asked).get("Item") for region in regions)
        return bool(first == second)

    try:
        wait_for(f"{key} being the same in both regions", is_the_same, timeout=PATIENCE, clock=world.clock)
    except WaitTimeout:
        return False
    return True


def see_that_nothing_moved(world: World) -> None:
    """Raises PermanentError if customers are led anywhere but home."""
    if not traffic_leads_to(world, primary(world)):
        raise PermanentError("customers are led to the standby", do="switch the primary's health check back")
    products_are_served(world)


def standby_is_gone(world: World) -> Reading:
    """Does nothing answer in the standby any more, after a rehearsal that was compared?"""
    if not is_over(world):
        return Reading(False, "nothing was compared")
    seen = send(world, HttpRequest(url="{dr_door}/products", status=(403, 404), json=None))
    return Reading(seen.ok, f"the standby answers {seen.value}", recall(world, SEEN))


def record_place(world: World) -> str:
    return f"{bucket_of(session_of(world))}/rehearsals/{world.run_id}.json"


def seen_text(world: World) -> str:
    seen = recall(world, SEEN)
    return f"{standby(world)} served {seen['there']} products where {primary(world)} had {seen['here']}."
