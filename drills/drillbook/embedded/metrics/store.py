"""What the data planes count, as CloudWatch metrics: kept in memory, seen by alarms at once and by the metrics API.

A sample belongs to the moment it is recorded, which is the *end* of the request it tells about: no sample ever arrives
for a period that an alarm has already looked at. (AWS stamps a Lambda metric with the invocation's start and lets
alarms look again.) Moments are Unix seconds of ``CloudState.clock.now()``.

Source for names and dimensions: "Types of metrics for Lambda functions"
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html) and "Amazon API Gateway dimensions and
metrics" (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html).
"""

from __future__ import annotations

import bisect
import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from drillbook.embedded.planes import CloudState

TICKS_KEPT = 20_000
Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Series:
    """One metric of one region, as an alarm names it."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions


@dataclass
class Samples:
    """All values of one tick."""

    tick: int
    values: list[float] = field(default_factory=list)


def dimensions(named: Mapping[str, str]) -> Dimensions:
    """Dimensions are a set: their order does not matter."""
    return tuple(sorted(named.items()))


class MetricStore:
    """Values by tick: CloudWatch's finest resolution, one AWS second, of which ``speed`` pass here in a second.

    Ticks are whole numbers since the epoch, and a period is a whole number of ticks: no value slips into a neighbouring
    period by rounding, where an alarm may have looked already.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._kept: dict[Series, list[Samples]] = {}
        self._lock = threading.Lock()

    def tick(self, at: float) -> int:
        """The tick of a moment (Unix seconds)."""
        return math.floor(at * self._speed)

    def moment(self, tick: int) -> float:
        """When a tick begins (Unix seconds)."""
        return tick / self._speed

    def record(self, series: Series, at: float, values: Iterable[float]) -> None:
        with self._lock:
            ticks, tick = self._kept.setdefault(series, []), self.tick(at)
            place = bisect.bisect_left(ticks, tick, key=_tick)
            if place == len(ticks) or ticks[place].tick != tick:
                ticks.insert(place, Samples(tick))
            ticks[place].values.extend(values)
            del ticks[:-TICKS_KEPT]

    def between(self, series: Series, start: int, end: int) -> list[float]:
        """All values from the tick ``start`` to before the tick ``end``."""
        with self._lock:
            ticks = self._kept.get(series, [])
            some = ticks[bisect.bisect_left(ticks, start, key=_tick) : bisect.bisect_left(ticks, end, key=_tick)]
            return [value for one in some for value in one.values]

    def everything(self, account: str, region: str, namespaces: frozenset[str]) -> list[tuple[Series, Samples]]:
        with self._lock:
            return [
                (series, Samples(one.tick, list(one.values)))
                for series, ticks in self._kept.items()
                if (series.account, series.region) == (account, region) and series.namespace in namespaces
                for one in ticks
            ]

    def contents(self) -> dict[Series, list[Samples]]:
        """All that is kept, for a saved world."""
        with self._lock:
            return {
                series: [Samples(one.tick, list(one.values)) for one in ticks] for series, ticks in self._kept.items()
            }

    def hold(self, contents: dict[Series, list[Samples]]) -> None:
        """Have exactly this."""
        with self._lock:
            self._kept = contents


@cache
def store_of(cloud: CloudState) -> MetricStore:
    """The one store of a cloud, which its planes share."""
    return MetricStore(cloud.speed)


def _tick(samples: Samples) -> int:
    return samples.tick
