"""One HTTP request over a connection of its own, with an end: no retries, no redirects, no proxies."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
from drillbook.placeholders import filled, for_people
from drillbook.probe import Reading
from drillbook.service_model import HttpRequest
from drillbook.units import duration_text
from drillbook.web.resolver import resolver_of

if TYPE_CHECKING:
    from drillbook.world import World

LONGEST = 1024 * 1024
"""Bytes of an answer that are looked at."""


def send(world: World, template: HttpRequest) -> Reading:
    """Send ``template`` once; ok if the answer is the one asked for, within its timeout (monotonic seconds).

    No answer is a bad reading, not an error. Raises ProbeError for an address that cannot be one.
    """
    request = template.model_copy(update=filled(world, template.model_dump()))
    resolver = world.fill(request.resolver or world.service.front_door.resolver)
    began = world.clock.monotonic()
    try:
        status, text = _exchange(*_looked_up(request, resolver, world.clock), world.clock)
    except (LocationParseError, LocationValueError, UnicodeError) as error:
        what = f"{for_people(world, request.url)!r} is no address: {error}"
        raise ProbeError(what, do="correct the url in service.yaml") from error
    except (HTTPError, OSError) as error:
        return Reading(False, _reason(error, request.timeout), {"seconds": world.clock.monotonic() - began})
    return _reading(request, status, text, world.clock.monotonic() - began)


def expectation(template: HttpRequest) -> str:
    """The request and the answer that is good, for people."""
    statuses = " or ".join(str(status) for status in template.status)
    words = f" with {template.contains!r}" if template.contains else ""
    return f"{template.method} {template.url} answers {statuses}{words} within {duration_text(template.timeout)}"


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


def _exchange(request: HttpRequest, tls_name: str | None, clock: Clock) -> tuple[int, str]:
    deadline = clock.monotonic() + request.timeout
    with urllib3.PoolManager(num_pools=1, retries=False, server_hostname=tls_name) as pool:
        response = pool.request(
            request.method,
            request.url,
            headers=request.headers,
            json=request.payload,
            timeout=urllib3.Timeout(total=request.timeout),
            preload_content=False,
            redirect=False,
        )
        body = bytearray()
        # A server may answer a byte at a time, each within the socket's timeout: the deadline holds for the whole.
        while len(body) < LONGEST and (block := response.read1(65536)):
            body += block
            if clock.monotonic() > deadline:
                raise HttpTimeout("the answer did not end in time")
        response.close()
    return response.status, body.decode(errors="replace")


def _reading(request: HttpRequest, status: int, text: str, seconds: float) -> Reading:
    value = f"HTTP {status}"
    if status not in request.status:
        return Reading(False, value, {"status": status, "seconds": seconds})
    if request.contains is not None and request.contains not in text:
        return Reading(False, f"{value} without {request.contains!r}", {"status": status, "seconds": seconds})
    return Reading(True, value, {"status": status, "seconds": seconds})


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
