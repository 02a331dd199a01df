"""What the five services share: requests, answers, and the mode in which nothing is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
Route = Callable[[Event], dict[str, Any]]
READ_ONLY = os.environ.get("READ_ONLY_MODE", "false") == "true"


class Answer(Exception):
    """Ends a request with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


def serve(routes: dict[str, Route], event: Event) -> dict[str, Any]:
    """Answer by the route of the request, ``GET /users/{id}``. In read-only mode only reads are answered."""
    method = event["httpMethod"]
    try:
        if READ_ONLY and method != "GET":
            raise Answer(503, "read-only mode: nothing is written at present")
        return routes[f"{method} {event['resource']}"](event)
    except Answer as answer:
        return respond(answer.status, {"message": answer.message})


def respond(status: int, body: Any = None) -> dict[str, Any]:
    """What API Gateway expects of a function (AWS: "Output format of a Lambda function for proxy integration")."""
    headers = {"Content-Type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": "" if body is None else json.dumps(body)}


def asked_id(event: Event) -> str:
    name: str = event["pathParameters"]["id"]
    return name


def asked_body(event: Event, *needed: str) -> dict[str, str]:
    """The JSON object that was sent; each of ``needed`` is a text in it."""
    try:
        body = json.loads(event.get("body") or "")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Answer(400, "the body must be a JSON object")
    if missing := [name for name in needed if not isinstance(body.get(name), str) or not body[name]]:
        raise Answer(400, f"needs {' and '.join(missing)}")
    return body
