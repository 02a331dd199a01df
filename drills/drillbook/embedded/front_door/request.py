"""A request at the front door of an API, and an answer, free of WSGI and of API Gateway's models."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

MAX_BODY = 10 * 1024 * 1024
"""Bytes. Source: "Amazon API Gateway quotas", payload size."""


@dataclass(frozen=True)
class Request:
    """``path`` is below the stage, ``asked`` what the client sent; both percent-encoded as they came."""

    api_id: str
    stage: str
    path: str
    asked: str
    host: str
    method: str
    headers: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    custom: bool = False
    """Did it come by a custom domain name?"""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    integration_ms: float | None = None
    """How long the integration took; None if the request did not get that far."""


def refusal(status: int, message: str, error_type: str) -> Answer:
    """A gateway response: API Gateway itself answers.

    Source: "Gateway response types for API Gateway"
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html).
    """
    headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", error_type))
    separators = (", ", ": ") if status >= 500 else (",", ":")  # as AWS writes them
    return Answer(status, json.dumps({"message": message}, separators=separators).encode(), headers)


FORBIDDEN = refusal(403, "Forbidden", "ForbiddenException")
NO_ROUTE = refusal(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
THROTTLED = refusal(429, "Too Many Requests", "TooManyRequestsException")
TOO_LARGE = refusal(413, "Request Entity Too Large", "RequestTooLargeException")
TIMED_OUT = refusal(504, "Endpoint request timed out", "InternalServerErrorException")
BAD_INTEGRATION = refusal(502, "Internal server error", "InternalServerErrorException")
"""The function ran and failed, or answered what no HTTP response can be made of."""
REJECTED_INTEGRATION = refusal(500, "Internal server error", "InternalServerErrorException")
"""Lambda did not run the function: throttled or not there. Source: "Handling Lambda errors with an API Gateway API"
(https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html)."""


def from_wsgi(
    environ: dict[str, Any], api_id: str, stage: str, path: str, *, asked: str = "", custom: bool = False
) -> Request:
    """``path`` is what comes after the stage, raw; ``asked`` the whole path, unless that is stage and path."""
    return Request(
        api_id=api_id,
        stage=stage,
        path=path,
        asked=asked or f"/{stage}{path}",
        custom=custom,
        host=environ.get("HTTP_HOST", ""),
        method=environ["REQUEST_METHOD"],
        headers=tuple(_headers(environ)),
        query=tuple(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
    )


def to_wsgi(answer: Answer, request_id: str, start_response: Any) -> Iterable[bytes]:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Unknown"
    ours = [("x-amzn-RequestId", request_id), ("x-amz-apigw-id", request_id[:15] + "=")]
    start_response(f"{answer.status} {reason}", [*answer.headers, *ours])
    return [answer.body]


def _headers(environ: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").title(), value
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name) and (name, environ[name]) != ("CONTENT_LENGTH", "0"):
            yield name.replace("_", "-").title(), environ[name]
