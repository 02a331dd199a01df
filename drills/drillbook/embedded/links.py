"""How long data takes from one region to another: what replication lags behind even when nothing is broken.

Delays are one-way and in *real* seconds: the loss of a failover is measured against them, so they are never divided by
the cloud's speed. They hold in both directions and can be changed while the cloud runs
(``POST /_drillbook/links {"us-east-1|us-west-2": 0.1, "dynamodb:us-east-1|us-west-2": 2}``): the whole of what is set
is replaced, and what is not set has the default of its service. Whether data flows at all is ``Domains``' matter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drillbook.errors import UsageError

DEFAULTS = {"rds": 0.1, "dynamodb": 0.2, "s3": 0.5}
"""Seconds between two regions. AWS: PostgreSQL streams over the regions' network, global tables replicate "usually
within a second or less" and most new S3 objects "in seconds".
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-CoreConcepts.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html"""


@dataclass
class Links:
    """The delays of a running cloud. ``now`` is replaced as a whole, so reading it needs no lock."""

    now: dict[str, float] = field(default_factory=dict)
    """What was set, by ``one|other`` or ``service:one|other``, with the two regions in alphabetical order."""
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def delay(self, service: str, one: str, other: str) -> float:
        """Seconds that this service's data takes between the regions: as set for it, as set for all, or its default.
        Within one region, 0 unless it was set."""
        pair = _pair(one, other)
        default = 0.0 if one == other else DEFAULTS[service]
        return self.now.get(f"{service}:{pair}", self.now.get(pair, default))

    def become(self, delays: Mapping[str, float]) -> None:
        """Have exactly these delays. Raises UsageError for what is no link of two regions or no delay."""
        named = {_named(link): _seconds(link, seconds) for link, seconds in delays.items()}
        with self._lock:
            self.now = named
            for listener in self._listeners:
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Be told after each change, in the thread that makes it and before ``become`` returns."""
        self._listeners.append(listener)


def _pair(one: str, other: str) -> str:
    return f"{min(one, other)}|{max(one, other)}"


def _named(link: str) -> str:
    service, colon, pair = link.rpartition(":")
    one, bar, other = pair.partition("|")
    if not (bar and one and other) or (colon and service not in DEFAULTS):
        raise UsageError(
            f"{link!r} is no link", do=f"write one-region|other-region, or {'|'.join(DEFAULTS)} and a colon before it"
        )
    return f"{service}{colon}{_pair(one, other)}"


def _seconds(link: str, seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise UsageError(f"the delay of {link} must be seconds from 0 on, not {seconds!r}", do="give a number")
    return float(seconds)
