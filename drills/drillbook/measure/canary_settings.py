"""What the canary is told, apart from the front door; stands in its history's header."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from drillbook.events import Json


@dataclass(frozen=True)
class CanarySettings:
    """How the canary works. ``rate`` in operations a second, ``timeout`` in seconds for one operation."""

    run: str
    """Names the canary's keys: ``canary-<run>-000001``."""
    rate: float = 20.0
    timeout: float = 2.0
    seed: int = 0

    @property
    def prefix(self) -> str:
        return f"canary-{self.run}-"

    def key(self, number: int) -> str:
        """The canary's ``number``-th record, from 1."""
        return f"{self.prefix}{number:06d}"

    @property
    def workers(self) -> int:
        """Fewer, and in a hanging outage the canary would wait for itself."""
        return math.ceil(self.rate * self.timeout) + 4

    def as_json(self) -> dict[str, Json]:
        return {**asdict(self), "prefix": self.prefix}

    @classmethod
    def from_json(cls, given: Mapping[str, Json]) -> CanarySettings:
        return cls(str(given["run"]), float(given["rate"]), float(given["timeout"]), int(given["seed"]))
