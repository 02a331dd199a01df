"""roadcall-user-svc: drivers and dispatchers, and their way in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

import tables
from web import Answer, Event, asked_body, asked_id, respond, serve


def handler(event: Event, _context: object) -> dict[str, Any]:
    return serve({"POST /users": register, "GET /users/{id}": look, "POST /sessions": log_in}, event)


def register(event: Event) -> dict[str, Any]:
    body = asked_body(event, "id", "name", "pin")
    if tables.get("users", body["id"]):
        raise Answer(409, "there is such a user")
    salt = secrets.token_hex(8)
    proof = hashed(body["pin"], salt)
    tables.put("users", {"id": body["id"], "name": body["name"], "salt": salt, "proof": proof})
    return respond(201, {"id": body["id"], "name": body["name"]})


def look(event: Event) -> dict[str, Any]:
    found = tables.get("users", asked_id(event))
    if found is None:
        raise Answer(404, "no such user")
    return respond(200, {"id": found["id"], "name": found["name"]})


def log_in(event: Event) -> dict[str, Any]:
    body = asked_body(event, "user", "pin")
    found = tables.get("users", body["user"])
    if found is None or not hmac.compare_digest(hashed(body["pin"], found["salt"]), found["proof"]):
        raise Answer(401, "unknown user or wrong pin")
    return respond(200, {"token": secrets.token_urlsafe(16)})


def hashed(pin: str, salt: str) -> str:
    return hashlib.scrypt(pin.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()
