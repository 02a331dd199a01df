"""roadcall-incident-svc: an incident is an item of the incidents table and a row of the dispatch ledger.

Both hold the incident's revision. A reader gets the older of the two: what either store has lost is seen. An incident
is never deleted but cancelled, so one that is missing in either store is lost.
"""

from __future__ import annotations

import os
from typing import Any

import dispatch
import tables
from web import Answer, Event, asked_body, asked_id, respond, serve


def handler(event: Event, _context: object) -> dict[str, Any]:
    routes = {
        "GET /health": health,
        "POST /incidents": report,
        "GET /incidents/{id}": look,
        "PUT /incidents/{id}": change,
        "DELETE /incidents/{id}": cancel,
    }
    return serve(routes, event)


def health(_: Event) -> dict[str, Any]:
    """Do both stores answer, here?"""
    database = dispatch.ask("select not pg_is_in_recovery()")
    tables.get("incidents", "health")
    return respond(200, {"status": "ok", "region": os.environ["AWS_REGION"], "database": database == (True,)})


def report(event: Event) -> dict[str, Any]:
    body = asked_body(event, "id", "note")
    made = dispatch.ask(dispatch.RECORD, body["id"], body["note"], body.get("vendor"))
    if made is None:
        raise Answer(409, "there is such an incident")
    _keep(body["id"], made[0], body["note"], "open", reporter=body.get("user", "guest"))
    return respond(201, {"id": body["id"], "note": body["note"]})


def look(event: Event) -> dict[str, Any]:
    """The older of the two revisions."""
    name = asked_id(event)
    row, item = dispatch.ask(dispatch.LOOK, name), tables.get("incidents", name)
    if row is None or item is None:
        raise Answer(404, "no such incident")
    known = [row, (item["revision"], item["note"], item["status"])]
    revision, note, status = min(known, key=lambda each: int(each[0]))
    if status == "cancelled":
        raise Answer(404, "the incident was cancelled")
    return respond(200, {"id": name, "note": note, "status": status, "revision": revision})


def change(event: Event) -> dict[str, Any]:
    name, note = asked_id(event), asked_body(event, "note")["note"]
    revision = _revise(name, note, "open", dispatch.ask(dispatch.CHANGE, note, "open", name))
    return respond(200, {"id": name, "note": note, "revision": revision})


def cancel(event: Event) -> dict[str, Any]:
    """Again, if an earlier try reached the ledger alone."""
    name = asked_id(event)
    _revise(name, "", "cancelled", dispatch.ask(dispatch.CANCEL, name))
    return respond(204)


def _revise(name: str, note: str, status: str, made: tuple[Any, ...] | None) -> int:
    """Write to the table the revision that the ledger has ``made``; which one it is."""
    if made is None:
        raise Answer(404, "no such incident")
    _keep(name, made[0], note, status)
    return int(made[0])


def _keep(name: str, revision: int, note: str, status: str, **more: str) -> None:
    before = tables.get("incidents", name) or {}
    tables.put("incidents", {**before, **more, "id": name, "revision": revision, "note": note, "status": status})
