"""Requests and answers of an edge, free of WSGI."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

Headers = tuple[tuple[str, str], ...]
HOP_BY_HOP = frozenset({
    "connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip


@dataclass(frozen=True)
class Request:
    """``path`` is percent-encoded as it came; ``query`` is without its question mark."""

    method: str
    host: str
    path: str
    query: str
    headers: Headers
    body: bytes

    @property
    def idempotent(self) -> bool:
        return self.method in ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")


def host_of(environ: dict[str, Any]) -> str:
    return str(environ.get("HTTP_HOST", "")).partition(":")[0].rstrip(".").lower()


def from_wsgi(environ: dict[str, Any]) -> Request:
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"])
    headers = [
        (name[5:].replace("_", "-").title(), str(value)) for name, value in environ.items() if name.startswith("HTTP_")
    ]
    if kind := environ.get("CONTENT_TYPE"):
        headers.append(("Content-Type", kind))
    return Request(
        method=environ["REQUEST_METHOD"],
        host=host_of(environ),
        path=raw.partition("?")[0] or "/",
        query=environ.get("QUERY_STRING", ""),
        headers=tuple(headers),
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
    )


def to_wsgi(answer: Answer, start_response: Any) -> Iterable[bytes]:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Unknown"
    kept = [(name, value) for name, value in answer.headers if name.lower() not in HOP_BY_HOP]
    start_response(f"{answer.status} {reason}", kept)
    return [answer.body]
