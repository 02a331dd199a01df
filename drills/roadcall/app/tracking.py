"""roadcall-tracking-svc: where the help is now."""

from __future__ import annotations

from typing import Any

import tables
from web import Answer, Event, asked_body, asked_id, respond, serve


def handler(event: Event, _context: object) -> dict[str, Any]:
    return serve({"PUT /tracking/{id}": follow, "GET /tracking/{id}": look}, event)


def follow(event: Event) -> dict[str, Any]:
    tables.put("tracking-sessions", {"id": asked_id(event), "position": asked_body(event, "position")["position"]})
    return respond(200, {"id": asked_id(event)})


def look(event: Event) -> dict[str, Any]:
    found = tables.get("tracking-sessions", asked_id(event))
    if found is None:
        raise Answer(404, "nobody is on the way")
    return respond(200, found)
