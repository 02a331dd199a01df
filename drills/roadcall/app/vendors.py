"""roadcall-vendor-svc: who comes to help. Without its table it degrades: a vendor it saw last, or the default one."""

from __future__ import annotations

from typing import Any

import tables
from botocore.exceptions import BotoCoreError, ClientError
from breaker import Breaker, Open
from web import Answer, Event, asked_id, respond, serve


class TableFailed(Exception):
    """The vendors table did not answer as it should."""


DEFAULT = {"id": "vendor-default", "name": "the national hotline", "area": "any"}
_breaker = Breaker()
_seen: dict[str, dict[str, Any]] = {}


def handler(event: Event, _context: object) -> dict[str, Any]:
    return serve({"GET /vendors/{id}": look, "GET /matches/{id}": match}, event)


def look(event: Event) -> dict[str, Any]:
    found = tables.get("vendors", asked_id(event))
    if found is None:
        raise Answer(404, "no such vendor")
    return respond(200, found)


def match(event: Event) -> dict[str, Any]:
    """The vendor for an area, ``GET /matches/{area}``; ``degraded`` says whether the table was asked in vain."""
    area = asked_id(event)
    try:
        found = _breaker.call(lambda: _vendor_of(area), TableFailed)
    except Open:
        return respond(200, {**_seen.get(area, DEFAULT), "degraded": True})
    _seen[area] = found or DEFAULT
    return respond(200, {**_seen[area], "degraded": False})


def _vendor_of(area: str) -> dict[str, Any] | None:
    try:
        return tables.get("vendors", f"vendor-{area}")
    except (BotoCoreError, ClientError) as error:
        raise TableFailed(type(error).__name__) from error
