"""How the product catalogue is brought back: the runbook's scenarios 1 and 3."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from drillbook import service_actions
from drillbook.aws.failures import calling
from drillbook.aws.items import scan
from drillbook.aws.recovery import (
    carry_over,
    code,
    concurrency,
    environment,
    evidence,
    point_in_time,
    table_replicas,
)  # fmt: skip
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.recovery import Phase, Plan, Step
from drillbook.waiting import wait_for

from .artifacts import current_artifact, previous_artifact
from .contents import TABLE_VARIABLE, faults_in, is_corrupt, products_in
from .customers import declared, products_are_served, recorded, told
from .names import PACKAGES, TABLE, standby

if TYPE_CHECKING:
    from drillbook.world import World

WRITERS = ("product-create", "product-update", "product-delete")
ROLLED_BACK = "product-list"
EVIDENCE = "evidence of corruption"


def restore_table(world: World) -> Plan:
    """Scenario 3. The budgets add up to the 20 minutes that the runbook promises; AWS alone takes longer than that."""
    target = restored_table(world)

    def unless_repointed(done: Callable[[], bool]) -> Callable[[], bool]:
        # Run again after all is done, the plan must not stop a service that works.
        return lambda: is_repointed(world, target) or done()

    return Plan(
        "restore table",
        (
            declared(world, f"{TABLE} holds what is no product"),
            Step("stop writers", lambda: stop_writers(world), budget=60,
                 check=unless_repointed(lambda: writers_are_stopped(world)),
                 verify=lambda: writers_are_stopped(world)),
            Step("find when corruption began", lambda: find_when_corruption_began(world), Phase.DECIDE, budget=60,
                 check=lambda: recall(world, EVIDENCE) is not None),
            Step("wait until that moment can be restored", lambda: wait_until_restorable(world), budget=300,
                 check=unless_repointed(lambda: False)),
            Step("restore to a new table", lambda: restore_to(world, target), budget=360,
                 check=lambda: point_in_time.is_active(world, target),
                 verify=lambda: point_in_time.is_active(world, target)),
            Step("carry over settings", lambda: carry_over.carry_over(world, TABLE, target), budget=60,
                 check=unless_repointed(lambda: False)),
            Step("verify contents", lambda: verify_contents(world, target), Phase.VERIFY, budget=60,
                 check=unless_repointed(lambda: False)),
            Step("repoint functions", lambda: repoint(world, target), budget=60,
                 check=lambda: is_repointed(world, target), verify=lambda: is_repointed(world, target)),
            Step("see that functions have their settings", lambda: verify_settings(world), Phase.VERIFY, budget=30),
            Step("resume traffic", lambda: resume_writers(world), budget=30,
                 check=lambda: writers_are_resumed(world), verify=lambda: writers_are_resumed(world)),
            Step("check through the API", lambda: None, Phase.VERIFY, budget=30,
                 verify=lambda: products_are_served(world)),
            Step("replicate again", lambda: table_replicas.add_replica(world, target, standby(world)), budget=60,
                 check=lambda: standby(world) in table_replicas.replicas(world, target)),
            recorded(world, lambda: loss_notice(world, target)),
            told(world, "products are back", lambda: loss_notice(world, target)),
        ),
    )  # fmt: skip


def roll_back_function(world: World) -> Plan:
    """Scenario 1, within the runbook's 5 minutes."""

    @cache
    def previous() -> str:
        return previous_artifact(session_of(world), ROLLED_BACK)

    return Plan(
        "roll back function",
        (
            declared(world, f"{ROLLED_BACK} answers with errors since it was deployed"),
            Step("roll back", lambda: roll_back(world, previous()), budget=120,
                 check=lambda: code.runs(world, ROLLED_BACK, previous()),
                 verify=lambda: code.runs(world, ROLLED_BACK, previous())),
            Step("check through the API", lambda: None, Phase.VERIFY, budget=30,
                 verify=lambda: products_are_served(world)),
            recorded(world, lambda: f"{ROLLED_BACK} runs {previous()} again."),
            told(world, "the product list is back", lambda: f"{ROLLED_BACK} runs {previous()} again."),
        ),
    )  # fmt: skip


def restored_table(world: World) -> str:
    """The table that this run restores to: the same name however often the plan is run or resumed."""
    return f"{TABLE}-restored-{re.sub(r'[^A-Za-z0-9_.-]', '-', world.run_id)}"[:255]


# -- the steps --------------------------------------------------------------------------------------------------------


def stop_writers(world: World) -> None:
    for function in WRITERS:
        concurrency.stop(world, function)


def writers_are_stopped(world: World) -> bool:
    return all(concurrency.reserved(world, function) == 0 for function in WRITERS)


def resume_writers(world: World) -> None:
    for function in WRITERS:
        concurrency.resume(world, function)


def writers_are_resumed(world: World) -> bool:
    return not any(concurrency.is_stopped_by_us(world, function) for function in WRITERS)


def find_when_corruption_began(world: World) -> None:
    """Decide what to restore to. Two looks must agree: a write that was under way may land after the writers stop."""
    looks = [look_for_corruption(world)]

    def is_at_rest() -> bool:
        looks.append(look_for_corruption(world))
        return looks[-1] == looks[-2]

    wait_for("the writes that were under way ending", is_at_rest, timeout=30, interval=0.1, clock=world.clock)
    remember(world, EVIDENCE, looks[-1])


def look_for_corruption(world: World) -> dict[str, Json]:
    """When the corruption began, the moment before it, and how many products there were then."""
    found = evidence.gather(world, TABLE, is_corrupt)
    with calling(f"count the products in {TABLE}"):
        present = sum(1 for _ in scan(session_of(world).client("dynamodb"), TABLE))
    return {
        "began": utc_text(found.began),
        "restore to": utc_text(found.restore_to),
        "fewest": present + found.fewest,
        "most": present + found.most,
    }


def restore_instant(world: World) -> datetime:
    """The moment this run decided to restore to."""
    decided = recall(world, EVIDENCE)
    if decided is None:
        raise PermanentError("nobody has found out when the corruption began", do="run the plan from its first step")
    return datetime.fromisoformat(decided["restore to"])


def wait_until_restorable(world: World) -> None:
    point_in_time.wait_until_restorable(world, TABLE, restore_instant(world), timeout=600)


def restore_to(world: World, target: str) -> None:
    point_in_time.restore(world, TABLE, target, restore_instant(world))
    point_in_time.wait_until_active(world, target)


def verify_contents(world: World, target: str) -> None:
    """Raises PermanentError unless the restored table holds sound products, and as many as the stream accounts for."""
    items = products_in(world, target)
    decided = recall(world, EVIDENCE)
    wrong = faults_in(items)
    if not wrong and not decided["fewest"] <= len(items) <= decided["most"]:
        wrong = f"{len(items)} products, where the stream accounts for {decided['fewest']} to {decided['most']}"
    if wrong:
        raise PermanentError(
            f"{target}, restored as of {decided['restore to']}, is not sound: {wrong}",
            do="restore to another moment; traffic stays on the old table",
        )


def repoint(world: World, table: str) -> None:
    for function in PACKAGES:
        environment.set_variable(world, function, TABLE_VARIABLE, table)


def verify_settings(world: World) -> None:
    """Raises PermanentError if repointing a function cost it anything else."""
    seen = service_actions.build_check(world, "functions have their settings")()
    if not seen.ok:
        raise PermanentError(str(seen.value), do="set what is missing from the template; let no traffic in before")


def is_repointed(world: World, table: str) -> bool:
    return all(environment.variable(world, function, TABLE_VARIABLE) == table for function in PACKAGES)


def roll_back(world: World, previous: str) -> None:
    code.deploy(world, ROLLED_BACK, previous, current=current_artifact(session_of(world), ROLLED_BACK))


def loss_notice(world: World, target: str) -> str:
    since = recall(world, EVIDENCE)["restore to"]
    return f"Products are served from {target}. What was written after {since} is lost and must be entered again."
