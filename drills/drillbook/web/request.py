"""One HTTP request over a connection of its own, with an end: no retries, no redirects, no proxies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drillbook.placeholders import filled
from drillbook.probe import Reading
from drillbook.service_model import HttpRequest
from drillbook.units import duration_text

if TYPE_CHECKING:
    from drillbook.world import World


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` 0 and a ``failure`` in words if nothing did. ``seconds`` are monotonic."""

    status: int
    seconds: float
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    """The Set-Cookie headers, of which there may be several."""
    failure: str = ""


def send(world: World, template: HttpRequest) -> Reading:
    """Send ``template`` once; ok if the answer is the one asked for, within its timeout (monotonic seconds).

    No answer is a bad reading, not an error. Raises ProbeError for an address that cannot be one.
    """
    request = template.model_copy(update=filled(world, template.model_dump()))
    return judged(request, ask(world, request))


def ask(world: World, request: HttpRequest) -> Answer:
    """Send ``request``, whose placeholders are filled, once. Raises ProbeError for an address that cannot be one."""
    from drillbook.web.exchange import exchange  # An HTTP client that only a request needs, not its settings.

    return exchange(world, request)


def judged(request: HttpRequest, answer: Answer) -> Reading:
    """Is the answer the one that ``request`` asks for?"""
    if answer.failure:
        return Reading(False, answer.failure, {"seconds": answer.seconds})
    value, data = f"HTTP {answer.status}", {"status": answer.status, "seconds": answer.seconds}
    if answer.status not in request.status:
        return Reading(False, value, data)
    if request.contains is not None and request.contains not in answer.text:
        return Reading(False, f"{value} without {request.contains!r}", data)
    return Reading(True, value, data)


def expectation(template: HttpRequest) -> str:
    """The request and the answer that is good, for people."""
    statuses = " or ".join(str(status) for status in template.status)
    words = f" with {template.contains!r}" if template.contains else ""
    return f"{template.method} {template.url} answers {statuses}{words} within {duration_text(template.timeout)}"
