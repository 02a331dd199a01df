"""roadcall-call-svc: calls, each with a recording in S3."""

from __future__ import annotations

import os
from typing import Any

import botocore.session
import tables
from web import Answer, Event, asked_body, asked_id, respond, serve

_s3: Any = botocore.session.get_session().create_client("s3")


def handler(event: Event, _context: object) -> dict[str, Any]:
    return serve({"POST /calls": record, "GET /calls/{id}": look}, event)


def record(event: Event) -> dict[str, Any]:
    body = asked_body(event, "id", "incident", "recording")
    key = f"calls/{body['id']}.txt"
    _s3.put_object(Bucket=os.environ["RECORDINGS"], Key=key, Body=body["recording"].encode())
    tables.put("call-records", {"id": body["id"], "incident": body["incident"], "recording": key})
    return respond(201, {"id": body["id"]})


def look(event: Event) -> dict[str, Any]:
    found = tables.get("call-records", asked_id(event))
    if found is None:
        raise Answer(404, "no such call")
    heard = _s3.get_object(Bucket=os.environ["RECORDINGS"], Key=found["recording"])["Body"].read().decode()
    return respond(200, {**found, "recording": heard})
