"""How long clients wait: a percentile over some requests, one after the other, as a probe.

```yaml
probes:
  answers fast enough: {use: web.latency, with: {url: "{front_door}/products", requests: 100, at_most: 300 ms}}
```

Each request has a connection of its own, so that a new client's wait is what is told. The canary's latency, from when a
request was due, is the judge's; this is a look before or after.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from drillbook.probe import Reading
from drillbook.service_model import HttpRequest
from drillbook.units import Duration, Share, duration_text
from drillbook.web.request import ask, expectation, judged

if TYPE_CHECKING:
    from drillbook.world import World


class LatencySettings(HttpRequest):
    at_most: Duration
    share: Share = 0.95
    """This share of the requests must be answered within ``at_most``."""
    requests: Annotated[int, Field(ge=1, le=10_000)] = 50


class Latency:
    """ok if the percentile is at most so long. A request that is not answered as asked is slower than any other."""

    Settings = LatencySettings

    def __init__(self, world: World, settings: LatencySettings) -> None:
        self._world, self._settings = world, settings

    def describe(self) -> str:
        return f"{expectation(self._settings)}; {self._name} at most {duration_text(self._settings.at_most)}"

    def read(self) -> Reading:
        """Send the requests; no more of them than it takes to know. Raises ProbeError for what is no address."""
        waits: list[float] = []
        bad: dict[str, int] = {}
        while len(waits) + sum(bad.values()) < self._settings.requests and sum(bad.values()) <= self._bearable:
            answer = ask(self._world, self._settings)
            reading = judged(self._settings, answer)
            if reading.ok:
                waits.append(answer.seconds)
            else:
                bad[reading.value] = bad.get(reading.value, 0) + 1
        return self._reading(sorted(waits), bad)

    def _reading(self, waits: list[float], bad: dict[str, int]) -> Reading:
        data: dict[str, Any] = {"answered": len(waits), "failed": bad}
        if sum(bad.values()) > self._bearable:
            told = ", ".join(f"{count} × {what}" for what, count in bad.items())
            return Reading(False, f"{told} in {len(waits) + sum(bad.values())} requests", data)
        wait = waits[self._rank - 1]
        value = f"{self._name} of {self._settings.requests} requests is {duration_text(wait)}"
        return Reading(wait <= self._settings.at_most, value, data | {"seconds": wait})

    @property
    def _rank(self) -> int:
        """The nearest-rank percentile is the wait of this number."""
        return max(1, math.ceil(self._settings.share * self._settings.requests - 1e-9))

    @property
    def _bearable(self) -> int:
        """So many requests may fail before the percentile is one that failed."""
        return self._settings.requests - self._rank

    @property
    def _name(self) -> str:
        return f"P{self._settings.share * 100:g}"
