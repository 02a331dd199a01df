"""A request is sent and its answer read, by urllib3."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as HttpTimeout
from urllib3.util import parse_url

from drillbook.clock import Clock
from drillbook.errors import ProbeError
from drillbook.placeholders import for_people
from drillbook.service_model import HttpRequest
from drillbook.units import duration_text
from drillbook.web.request import Answer
from drillbook.web.resolver import resolver_of

if TYPE_CHECKING:
    from drillbook.world import World

LONGEST = 1024 * 1024
"""Bytes of an answer that are looked at."""


def exchange(world: World, request: HttpRequest) -> Answer:
    """As ``drillbook.web.request.ask``."""
    resolver = world.fill(request.resolver or world.service.front_door.resolver)
    began = world.clock.monotonic()
    try:
        status, text, headers = _exchanged(*_looked_up(request, resolver, world.clock), world.clock)
    except (LocationParseError, LocationValueError, UnicodeError) as error:
        what = f"{for_people(world, request.url)!r} is no address: {error}"
        raise ProbeError(what, do="correct the url in service.yaml") from error
    except (HTTPError, OSError) as error:
        return Answer(0, world.clock.monotonic() - began, failure=_reason(error, request.timeout))
    seconds = world.clock.monotonic() - began
    return Answer(status, seconds, text, headers, tuple(headers.getlist("Set-Cookie")))


def _looked_up(request: HttpRequest, resolver: str, clock: Clock) -> tuple[HttpRequest, str | None]:
    """The request to the address that a resolver of the world gives for its host, and the host for TLS to prove;
    unchanged with the system's resolver.

    Raises socket.gaierror for a name that leads nowhere.
    """
    if not resolver:
        return request, None
    url = parse_url(request.url)
    place = resolver_of(resolver, clock).places(urlsplit(url.url))[0]
    there = url._replace(scheme="https" if place.tls else "http", host=place.address, port=place.port)
    headers = {"Host": str(url.netloc), **request.headers}
    return request.model_copy(update={"url": there.url, "headers": headers}), url.host


def _exchanged(request: HttpRequest, tls_name: str | None, clock: Clock) -> tuple[int, str, urllib3.HTTPHeaderDict]:
    deadline = clock.monotonic() + request.timeout
    with urllib3.PoolManager(num_pools=1, retries=False, server_hostname=tls_name) as pool:
        response = pool.request(
            request.method,
            request.url,
            timeout=urllib3.Timeout(total=request.timeout),
            preload_content=False,
            redirect=False,
            **_content(request),
        )
        body = bytearray()
        # A server may answer a byte at a time, each within the socket's timeout: the deadline holds for the whole.
        while len(body) < LONGEST and (block := response.read1(65536)):
            body += block
            if clock.monotonic() > deadline:
                raise HttpTimeout("the answer did not end in time")
        response.close()
    return response.status, body.decode(errors="replace"), response.headers


def _content(request: HttpRequest) -> dict[str, Any]:
    if request.form is None:
        return {"headers": request.headers, "json": request.payload}
    headers = {"Content-Type": "application/x-www-form-urlencoded", **request.headers}
    return {"headers": headers, "body": urlencode(request.form)}


def _reason(error: Exception, timeout: float) -> str:
    """Why there was no answer, in a few words that are the same each time."""
    if isinstance(error, NameResolutionError | socket.gaierror):
        return "name not found"
    if isinstance(error, SSLError):
        return "TLS failed"
    if isinstance(error, NewConnectionError):
        return "connection refused" if "refused" in str(error).lower() else "no connection"
    if isinstance(error, HttpTimeout | TimeoutError):
        return f"no answer within {duration_text(timeout)}"
    return "connection broken"
