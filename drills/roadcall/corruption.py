"""Scenario 3: a bad writer has spoilt the incidents in both stores. Both go back to the same instant.

The budgets are the runbook's (assess 15 minutes, restore 30); it names none for the rest, which gets what an objective
of an hour leaves. The two restores go side by side.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery import (
    carry_over,
    database_point_in_time,
    environment,
    evidence,
    notice,
    point_in_time,
    table_replicas,
    writes,
)
from drillbook.aws.recovery.cluster_instances import is_served
from drillbook.aws.recovery.database_kinds import CLUSTER
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError, TemporaryError
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.sql import read_only
from drillbook.sql.database import Database, connect, rows

from . import aurora, customers, seed, soundness
from .names import API_NAME, CLUSTERS, DR, FUNCTIONS, PRIMARY, STAGE, TABLES, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
TABLE, RESTORED_TABLE = TABLES["incidents"], f"{TABLES['incidents']}-restored"
LEDGER, RESTORED_LEDGER = CLUSTERS[PRIMARY], f"{CLUSTERS[PRIMARY]}-restored"
WRITING = [("/incidents", "POST"), ("/incidents/{id}", "PUT"), ("/incidents/{id}", "DELETE")]
"""Other services write to other tables, which are sound: they go on."""
INSTANT = "instant before the corruption"
STOPS, ASSESSES, CUTS_OVER, RESUMES = "stop writes", "assess the damage", "cut over", "resume writes"
RESTORES_TABLE, RESTORES_LEDGER = "restore the incidents table", "restore the ledger"
NEW_NAMES = (
    f"Enter {RESTORED_TABLE} and {RESTORED_LEDGER} in services.yaml, or the next deployment leads back to the spoilt "
    f"ones; plan the ledger's replica in {DR}."
)
_FIRST_NONSENSE = (
    "select min(pg_xact_commit_timestamp(xmin)), count(*) from dispatches where fee_cents not between 1 and %s"
)

_AS_ITS_ITEM = "update dispatches set revision = %s, note = %s, status = %s where incident_id = %s"


def restore_both(world: World) -> Plan:
    """Stop, assess, restore side by side, validate, cut over, resume, protect again, tell."""
    return Plan("restore table and ledger", (*_decide(world), *_restore(world), *_cut_over(world), *_tell(world)))


def _decide(world: World) -> tuple[Step, ...]:
    return (
        Step(STOPS, lambda: stop_writes(world), budget=1 * MINUTE,
             check=lambda: is_cut_over(world), verify=lambda: is_cut_over(world) or writes_are_refused(world)),
        Step(ASSESSES, lambda: assess(world), Phase.DECIDE, budget=15 * MINUTE,
             check=lambda: recall(world, INSTANT) is not None),
        notice.record_step(world, "declare the incident", "declared", lambda: declaration(world), budget=1 * MINUTE),
    )  # fmt: skip


def _restore(world: World) -> tuple[Step, ...]:
    both = (RESTORES_TABLE, RESTORES_LEDGER)
    return (
        Step(RESTORES_TABLE, lambda: restore_table(world), budget=30 * MINUTE, after=(ASSESSES,),
             check=lambda: is_cut_over(world), verify=lambda: point_in_time.is_active(world, RESTORED_TABLE)),
        Step(RESTORES_LEDGER, lambda: restore_ledger(world), budget=30 * MINUTE, after=(ASSESSES,),
             check=lambda: is_cut_over(world), verify=lambda: is_served(world, RESTORED_LEDGER)),
        Step("validate what was restored", lambda: make_whole(world), Phase.VERIFY, budget=5 * MINUTE,
             check=lambda: is_cut_over(world), after=both),
    )  # fmt: skip


def _cut_over(world: World) -> tuple[Step, ...]:
    return (
        Step(CUTS_OVER, lambda: cut_over(world), budget=5 * MINUTE,
             check=lambda: is_cut_over(world), verify=lambda: is_cut_over(world)),
        Step("look through the API", lambda: None, Phase.VERIFY, budget=2 * MINUTE,
             verify=lambda: seeds_are_served(world)),
        Step(RESUMES, lambda: resume_writes(world), budget=1 * MINUTE,
             check=lambda: writes_are_resumed(world), verify=lambda: writes_are_resumed(world)),
    )  # fmt: skip


def _tell(world: World) -> tuple[Step, ...]:
    """And what the runbook forgets: nothing of what was restored is replicated to the other region yet."""
    topic = topic_arn(session_of(world).account, PRIMARY)
    told = notice.notice_step(world, "tell the customers", topic, "Incidents can be reported again",
                              lambda: loss_notice(world), budget=5 * MINUTE)  # fmt: skip
    return (
        Step("replicate the restored table", lambda: table_replicas.add_replica(world, RESTORED_TABLE, DR),
             budget=30 * MINUTE, after=(RESUMES,),
             check=lambda: table_replicas.replicas(world, RESTORED_TABLE).get(DR) == "ACTIVE"),
        Step("keep the new names", lambda: NEW_NAMES, budget=15 * MINUTE, after=(RESUMES,), manual=True),
        replace(told, after=(RESUMES,)),
    )  # fmt: skip


# -- stop, and let go again -------------------------------------------------------------------------------------------


def stop_writes(world: World) -> None:
    """At the API for customers, in the database for whoever goes past it."""
    writes.stop(world, api_id(world), STAGE, WRITING)
    read_only.stop_writes(world, aurora.database(PRIMARY))


def writes_are_refused(world: World) -> bool:
    """By trying: a setting that API Gateway has taken is not yet in effect everywhere."""
    answer = customers.request(world, "/incidents", method="POST", body={"id": "write-test", "note": "to be refused"})
    if answer.status != 429:
        raise TemporaryError(f"a write was answered {answer.status}", do="see the throttling of the stage's methods")
    return True


def resume_writes(world: World) -> None:
    writes.resume(world, api_id(world), STAGE)


def writes_are_resumed(world: World) -> bool:
    return writes.are_resumed(world, api_id(world), STAGE)


def api_id(world: World) -> str:
    """Raises PermanentError if there is no such API."""
    with calling(f"find the API {API_NAME}"):
        found = session_of(world).client("apigateway", PRIMARY).get_rest_apis(limit=500)["items"]
    for api in found:
        if api["name"] == API_NAME:
            return str(api["id"])
    raise PermanentError(f"there is no API {API_NAME} in {PRIMARY}", do="deploy the services first")


# -- assess -----------------------------------------------------------------------------------------------------------


def assess(world: World) -> None:
    """Find the last whole second before either store was spoilt, from what the stores themselves keep of their changes.

    The table's stream has each change; of a row PostgreSQL knows when its last change was committed.
    """
    table = evidence.gather(world, TABLE, soundness.is_corrupt)
    began, spoilt = _first_nonsense(world)
    restore_to = min(table.restore_to, (began - evidence.MARGIN).replace(microsecond=0))
    since = utc_text(min(table.began, began))
    scope = f"{table.corrupt} items and {spoilt} rows of the ledger are nonsense since {since}"
    remember(world, INSTANT, {"restore to": utc_text(restore_to), "scope": scope})


def restore_instant(world: World) -> datetime:
    decided = recall(world, INSTANT)
    if decided is None:
        raise PermanentError("nobody has found out when the corruption began", do="run the plan from its first step")
    return datetime.fromisoformat(decided["restore to"])


def declaration(world: World) -> str:
    return f"{recall(world, INSTANT)['scope']}; both stores go back to {utc_text(restore_instant(world))}"


def _first_nonsense(world: World) -> tuple[datetime, int]:
    with connect(world, aurora.database(PRIMARY), read_only=True) as ledger:
        began, spoilt = rows(ledger, _FIRST_NONSENSE, soundness.DEAREST)[0]
    if began is None:
        raise PermanentError("no row of the ledger is nonsense", do="restore the table alone, to the same instant")
    return began, spoilt


# -- restore ----------------------------------------------------------------------------------------------------------


def restore_table(world: World) -> None:
    """With what the restore drops: tags, stream, alarms, point-in-time recovery."""
    at = restore_instant(world)
    point_in_time.wait_until_restorable(world, TABLE, at, timeout=10 * MINUTE)
    point_in_time.restore(world, TABLE, RESTORED_TABLE, at)
    point_in_time.wait_until_active(world, RESTORED_TABLE)
    carry_over.carry_over(world, TABLE, RESTORED_TABLE)


def restore_ledger(world: World) -> None:
    """With instances: a restored cluster has none (the runbook ends before that, and nobody could connect)."""
    at = restore_instant(world)
    database_point_in_time.wait_until_restorable(world, CLUSTER, LEDGER, at, PRIMARY)
    database_point_in_time.restore_cluster(world, LEDGER, RESTORED_LEDGER, at, PRIMARY)


def restored_ledger() -> Database:
    return aurora.database(PRIMARY).model_copy(update={"cluster": RESTORED_LEDGER})


def make_whole(world: World) -> None:
    """Two stores restored to one instant agree on all but what was being written just then."""
    take_back_what_was_under_way(world)
    demand_sound(world)


def take_back_what_was_under_way(world: World) -> None:
    """A row that was ahead of its item at the instant becomes what the item is: no customer was told more than that."""
    records = soundness.read(world, RESTORED_TABLE, restored_ledger(), at=restore_instant(world))
    with connect(world, restored_ledger(), read_only=False) as connection:
        for name in soundness.ahead(records):
            if item := records.items.get(name):
                told = (item["revision"]["N"], item["note"]["S"], item["status"]["S"])
                connection.execute(_AS_ITS_ITEM, (*told, name))
            else:
                connection.execute("delete from dispatches where incident_id = %s", (name,))


def demand_sound(world: World) -> None:
    """Raises PermanentError unless what was restored is sound, in each store and between them."""
    at = restore_instant(world)
    if wrong := soundness.faults_in(soundness.read(world, RESTORED_TABLE, restored_ledger(), at=at)):
        raise PermanentError(
            f"what was restored as of {utc_text(at)} is not sound: {wrong}",
            do="restore to an earlier instant; customers still read the old stores",
        )


# -- cut over ---------------------------------------------------------------------------------------------------------


def cut_over(world: World) -> None:
    """Two of the functions' variables; a changed environment restarts them, so that no old connection is used."""
    for function in FUNCTIONS:
        environment.set_variables(world, function, _new_names(), region=PRIMARY)


def is_cut_over(world: World) -> bool:
    return all(
        environment.variable(world, function, name, region=PRIMARY) == value
        for function in FUNCTIONS
        for name, value in _new_names().items()
    )


def seeds_are_served(world: World) -> bool:
    """Does a customer get every incident that was there? Raises TemporaryError with what is answered instead."""
    return all(customers.answers(world, f"/incidents/{one['id']}", PRIMARY) for one in seed.incidents())


def loss_notice(world: World) -> str:
    since = utc_text(restore_instant(world))
    return f"What was reported or changed after {since} is lost and must be reported again."


def _new_names() -> dict[str, str]:
    return {"INCIDENTS_TABLE": RESTORED_TABLE, "DB_CLUSTER": RESTORED_LEDGER}


# -- the check --------------------------------------------------------------------------------------------------------


def incidents_are_intact(world: World) -> Reading:
    """Are both stores that are served now sound, in themselves and with each other?"""
    function = FUNCTIONS[0]
    table = environment.variable(world, function, "INCIDENTS_TABLE", region=PRIMARY) or TABLE
    cluster = environment.variable(world, function, "DB_CLUSTER", region=PRIMARY) or LEDGER
    ledger = aurora.database(PRIMARY).model_copy(update={"cluster": cluster})
    records = soundness.read(world, table, ledger)
    wrong = soundness.faults_in(records)
    told = f"{len(records.items)} incidents in {table} and {cluster} are sound"
    return Reading(not wrong, wrong or told, {"items": len(records.items), "rows": len(records.dispatches)})
