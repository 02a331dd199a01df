"""A client's question to the door of the embedded cloud: would a request for this service of this region be answered?

It passes the door as any client's request does, and goes no further. ``drillbook.aws.faults`` asks it from outside.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from drillbook.clock import Clock
from drillbook.embedded.addresses import sandbox_key

DOOR = "/_drillbook-door"
"""Where the cloud answers 200 to every request that is let in."""


@dataclass(frozen=True)
class Knock:
    """``status`` is None if there was no answer. ``seconds`` of the caller's clock."""

    status: int | None
    seconds: float
    code: str = ""
    """The error's code, if the service refused."""


def knock(endpoint: str, region: str, service: str, clock: Clock, *, origin: str = "", timeout: float = 30.0) -> Knock:
    """Ask once, as a client of ``service`` in ``region``, or as a function that runs in the region ``origin``."""
    key = sandbox_key(origin) if origin else "drillbook"
    scope = f"Credential={key}/20260101/{region}/{service}/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=timeout)
    began = clock.monotonic()
    try:
        connection.request("GET", DOOR, headers={**headers, "X-Amz-Target": "Door.Knock"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException):
        return Knock(None, clock.monotonic() - began)
    finally:
        connection.close()
    return Knock(answer.status, clock.monotonic() - began, _code(body) if answer.status >= 400 else "")


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body).get("__type", ""))
    except (ValueError, AttributeError):
        return ""
