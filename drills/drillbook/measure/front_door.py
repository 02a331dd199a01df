"""How the canary speaks to a service: one request per operation, as the service file's ``front_door`` describes it.

Each request is a new connection, without retries, redirects or proxies, to where a client's resolver leads that keeps
answers for their time to live: that is what a customer's next click meets. Requests are classified by what is known
about their effect (``history.Res``).
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

from drillbook.clock import Clock
from drillbook.errors import UsageError
from drillbook.events import Json
from drillbook.measure.history import ABSENT, CLOUD_FAULT, FOREIGN, Kind, Res
from drillbook.measure.json_path import JsonPath
from drillbook.web.connection import Connection
from drillbook.web.resolver import resolver_of

_TEMPLATE = {Kind.INSERT: "write", Kind.UPDATE: "update", Kind.DELETE: "delete", Kind.READ: "read", Kind.PROBE: "probe"}
_CHUNK = 65536
BLAME = "x-drillbook-cloud-fault"
"""The header by which the embedded cloud says that an error is its own and not the service's."""


@dataclass(frozen=True)
class Answer:
    """What came of one request. ``seen``: the version it showed, ABSENT, FOREIGN, or None."""

    res: Res
    status: str
    seen: int | None = None


class FrontDoor(Protocol):
    """A service as its customers meet it."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it can be asked."""
        ...

    def ask(self, f: Kind, key: str, ver: int) -> Answer:
        """Do one operation, within the door's own timeout. Never raises for what the service does."""
        ...

    def listing(self) -> Mapping[str, int] | None:
        """How often each key is listed; None when the door has no list or it cannot be read now."""
        ...


@dataclass(frozen=True)
class Template:
    """One kind of request. ``{key}`` and ``{version}`` are filled in path, headers, json and body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Json = None
    body: str | None = None
    ok: frozenset[int] = frozenset()
    """Statuses that acknowledge; empty: any 2xx."""
    absent: frozenset[int] = frozenset()
    """Statuses that say there is no such record."""
    version: JsonPath | None = None
    pattern: re.Pattern[str] | None = None
    keys: JsonPath | None = None

    @classmethod
    def parse(cls, name: str, spec: Mapping[str, Json]) -> Template:
        """From the service file's mapping; numbers may still be text. Raises UsageError."""
        path = str(spec.get("path") or "/")
        if not path.startswith("/") or re.search(r"[\s\x00-\x1f]", path):
            raise UsageError(f"front_door.{name}: {path!r} is no path", do="begin it with / and leave no blanks in it")
        version, pattern, keys = (spec.get(part) for part in ("version", "pattern", "keys"))
        return cls(
            method=str(spec.get("method") or "GET").upper(),
            path=path,
            headers={str(header): str(value) for header, value in (spec.get("headers") or {}).items()},
            json=spec.get("json"),
            body=spec.get("body"),
            ok=_statuses(name, spec.get("ok") or spec.get("status")),
            absent=_statuses(name, spec.get("absent")),
            version=JsonPath.parse(version) if version else None,
            pattern=_pattern(name, pattern) if pattern else None,
            keys=JsonPath.parse(keys) if keys else None,
        )

    def request(self, key: str, ver: int) -> tuple[str, bytes | None, dict[str, str]]:
        """Path, body and headers for one operation."""
        path = self.path.replace("{key}", quote(key, safe="")).replace("{version}", str(ver))
        headers = {"Connection": "close", **{name: _fill(value, key, ver) for name, value in self.headers.items()}}
        if self.json is not None:
            headers.setdefault("Content-Type", "application/json")
            return path, json.dumps(_fill_json(self.json, key, ver)).encode(), headers
        return path, None if self.body is None else _fill(self.body, key, ver).encode(), headers


class HttpFrontDoor:
    """A front door over HTTP or HTTPS. ``timeout`` bounds a whole request in seconds of ``clock``."""

    def __init__(self, spec: Mapping[str, Json], *, timeout: float, clock: Clock) -> None:
        """``spec``: ``url``, ``resolver`` (as in ``drillbook.web.resolver``; empty: the system's), ``headers`` of every
        request, and the templates write, update, delete, read, probe, list. Raises UsageError."""
        url = urlsplit(str(spec.get("url") or ""))
        if url.scheme not in ("http", "https") or not url.hostname:
            raise UsageError("front_door.url is no http(s) URL", do="write for example http://127.0.0.1:8080")
        self._url, self._base = url, url.path.rstrip("/")
        self._resolver = resolver_of(str(spec.get("resolver") or ""), clock)
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._timeout, self._clock = timeout, clock
        self._templates = {f: _template(spec, name) for f, name in _TEMPLATE.items() if spec.get(name)}
        self._list = _template(spec, "list") if spec.get("list") else None
        if not self._templates:
            raise UsageError("front_door has no template", do="give at least one of write, read and probe")
        if (reading := self._templates.get(Kind.READ)) and reading.version is None:
            raise UsageError(
                "front_door.read does not say where the version stands", do='add for example version: "$.name"'
            )

    @property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(self._templates)

    def ask(self, f: Kind, key: str, ver: int) -> Answer:
        template = self._templates[f]
        outcome = self._exchange(template, key, ver)
        if isinstance(outcome, Answer):
            return outcome
        status, body = outcome
        if f is Kind.READ:
            return _read_answer(template, status, body)
        answer = classified(status, template.ok)
        if f in (Kind.UPDATE, Kind.DELETE) and answer.res is not Res.OK and status in self._absent(template):
            return Answer(Res.FAIL, answer.status, ABSENT)
        return answer

    def listing(self) -> Mapping[str, int] | None:
        if self._list is None or self._list.keys is None:
            return None
        outcome = self._exchange(self._list, "", 0)
        if isinstance(outcome, Answer) or classified(outcome[0], self._list.ok).res is not Res.OK:
            return None
        document = _document(outcome[1])
        return None if document is None else Counter(str(key) for key in self._list.keys.find(document))

    def _absent(self, template: Template) -> frozenset[int]:
        reading = self._templates.get(Kind.READ)
        return template.absent or (reading.absent if reading else frozenset())

    def _exchange(self, template: Template, key: str, ver: int) -> tuple[int, bytes] | Answer:
        deadline = self._clock.monotonic() + self._timeout
        connection = Connection(self._url, self._resolver, self._timeout, self._tls)
        try:
            if refusal := self._refused(connection):
                return refusal
            path, body, headers = template.request(key, ver)
            connection.request(template.method, self._base + path, body, headers)
            return self._response(connection, deadline)
        except TimeoutError:
            return Answer(Res.INFO, f"no answer within {self._timeout:g} s")
        except (OSError, http.client.HTTPException) as error:
            return Answer(Res.INFO, f"connection broke ({type(error).__name__})")
        finally:
            connection.close()

    def _refused(self, connection: http.client.HTTPConnection) -> Answer | None:
        """Connect. Whatever fails here, but for a timeout, happened before the request left: it had no effect."""
        try:
            connection.connect()
        except TimeoutError:
            raise
        except ConnectionRefusedError:
            return Answer(Res.FAIL, "connection refused")
        except socket.gaierror:
            return Answer(Res.FAIL, "host name not found")
        except OSError as error:
            return Answer(Res.FAIL, f"no connection ({error.strerror or type(error).__name__})")
        return None

    def _response(self, connection: http.client.HTTPConnection, deadline: float) -> tuple[int, bytes] | Answer:
        # A timeout of the socket bounds one recv, not the answer; a server that drips must not hold a worker for ever.
        sock = connection.sock
        sock.settimeout(self._left(deadline))
        response = connection.getresponse()
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += chunk
            if response.isclosed():  # all of it has come, and the socket may be gone with it
                break
            sock.settimeout(self._left(deadline))
        if response.length:
            raise http.client.IncompleteRead(bytes(body), response.length)
        if response.getheader(BLAME) is not None:
            return Answer(Res.INFO, f"HTTP {response.status}, {CLOUD_FAULT}")
        return response.status, bytes(body)

    def _left(self, deadline: float) -> float:
        if (left := deadline - self._clock.monotonic()) <= 0:
            raise TimeoutError
        return left


def _template(spec: Mapping[str, Json], name: str) -> Template:
    """One of the door's templates; its own headers go before those of the door."""
    return Template.parse(
        name, {**spec[name], "headers": {**(spec.get("headers") or {}), **(spec[name].get("headers") or {})}}
    )


def classified(status: int, ok: frozenset[int]) -> Answer:
    """What a status says about the effect. 429 and other 4xx are refusals; 408 and all else leave it open."""
    text = f"HTTP {status}"
    if status in ok or (not ok and 200 <= status < 300):
        return Answer(Res.OK, text)
    return Answer(Res.FAIL if 400 <= status < 500 and status != 408 else Res.INFO, text)


def _read_answer(template: Template, status: int, body: bytes) -> Answer:
    if status in template.absent:
        return Answer(Res.OK, f"HTTP {status}", ABSENT)
    answer = classified(status, template.ok)
    if answer.res is not Res.OK:
        return answer
    document = _document(body)
    if document is None:
        return Answer(Res.INFO, f"HTTP {status}, not JSON")
    return Answer(Res.OK, answer.status, _version(template, document))


def _version(template: Template, document: Json) -> int:
    found = template.version.find(document) if template.version else []
    text = str(found[0]) if found else ""
    if template.pattern:
        match = template.pattern.search(text)
        text = (match.group(1) if template.pattern.groups else match.group()) if match else ""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) and int(text) > 0 else FOREIGN


def _document(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _statuses(name: str, given: Json) -> frozenset[int]:
    values = given if isinstance(given, list | tuple | set | frozenset) else [] if given is None else [given]
    try:
        return frozenset(int(value) for value in values)
    except (TypeError, ValueError):
        raise UsageError(
            f"front_door.{name}: {given!r} are no HTTP statuses", do="write for example [200, 201]"
        ) from None


def _pattern(name: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"front_door.{name}.pattern {text!r}: {error}", do="write a regular expression") from None


def _fill(text: str, key: str, ver: int) -> str:
    return text.replace("{key}", key).replace("{version}", str(ver))


def _fill_json(value: Json, key: str, ver: int) -> Json:
    if isinstance(value, str):
        return _fill(value, key, ver)
    if isinstance(value, dict):
        return {name: _fill_json(inner, key, ver) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fill_json(inner, key, ver) for inner in value]
    return value
