"""The event history of an account: what LookupEvents finds, and when.

Sources: "LookupEvents" (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html) and
"Working with event history" (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState
from drillbook.embedded.trail.event import Event

LIMIT = 20_000
"""How many events are kept; AWS keeps 90 days of them."""
PAGE = 50
_BY: dict[str, Callable[[Event], set[str]]] = {
    "EventId": lambda event: {event.id},
    "EventName": lambda event: {event.name},
    "ReadOnly": lambda event: {str(event.read_only).lower()},
    "Username": lambda event: {event.user},
    "ResourceType": lambda event: {type_ for type_, _ in event.resources},
    "ResourceName": lambda event: {name for _, name in event.resources},
    "EventSource": lambda event: {event.source},
    "AccessKeyId": lambda event: {event.access_key},
}


class InvalidLookup(Exception):
    """The request cannot be answered. ``code`` is CloudTrail's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class History:
    """Events of all accounts and regions, oldest first."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud = cloud
        self.events: deque[Event] = deque(maxlen=LIMIT)

    def lookup(self, account: str, region: str, asked: dict[str, Any]) -> tuple[list[Event], str | None]:
        """A page of events, newest first, and the token of the next one. Raises InvalidLookup.

        An event is found once it is ``durations.TRAIL`` old.
        """
        wanted, page = _filter(asked.get("LookupAttributes") or []), _page(asked)
        start, end = _times(asked)
        known = self._cloud.clock.now().timestamp() - self._cloud.aws_seconds(durations.TRAIL)
        found = [
            event
            for event in reversed(list(self.events))
            if (event.account, event.region) == (account, region)
            and start <= event.at <= min(end, known)
            and wanted(event)
        ]
        first = _after(asked.get("NextToken"), found)
        rest = found[first:]
        return rest[:page], rest[page - 1].id if len(rest) > page else None


def _filter(attributes: list[dict[str, str]]) -> Callable[[Event], bool]:
    if not attributes:
        return lambda _: True
    if len(attributes) > 1 or attributes[0].get("AttributeKey") not in _BY:
        raise InvalidLookup("InvalidLookupAttributesException", "You can specify only one valid lookup attribute.")
    of, value = _BY[attributes[0]["AttributeKey"]], attributes[0].get("AttributeValue", "")
    return lambda event: value in of(event)


def _page(asked: dict[str, Any]) -> int:
    page = int(asked.get("MaxResults") or PAGE)
    if not 1 <= page <= PAGE:
        raise InvalidLookup("InvalidMaxResultsException", f"MaxResults must be between 1 and {PAGE}.")
    return page


def _times(asked: dict[str, Any]) -> tuple[float, float]:
    start, end = _epoch(asked.get("StartTime"), 0.0), _epoch(asked.get("EndTime"), float("inf"))
    if start > end:
        raise InvalidLookup("InvalidTimeRangeException", "The start time must not be after the end time.")
    return start, end


def _epoch(moment: Any, default: float) -> float:
    return default if moment is None else moment.timestamp() if hasattr(moment, "timestamp") else float(moment)


def _after(token: str | None, found: list[Event]) -> int:
    if not token:
        return 0
    at = next((number for number, event in enumerate(found) if event.id == token), None)
    if at is None:
        raise InvalidLookup("InvalidNextTokenException", "The next token is not valid.")
    return at + 1
