"""Looking at the service: probes read, readings say ok, not ok, or unknown. A probe never changes anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from drillbook.events import Json


@dataclass(frozen=True)
class Reading:
    """What a probe saw. ``ok`` is None when it could not tell; unknown is neither steady nor detected."""

    ok: bool | None
    value: str
    """What was seen, for people: ``ALARM``, ``HTTP 502``, ``40 of 200 items are corrupt``."""
    data: dict[str, Json] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.value


class Probe(Protocol):
    def describe(self) -> str:
        """What is looked at, and what counts as ok."""
        ...

    def read(self) -> Reading:
        """Look once, bounded by the probe's own timeout. Raises ProbeError only if the probe itself is broken."""
        ...
