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

    at: float
    values: list[float] = field(default_factory=list)


def dimensions(named: Mapping[str, str]) -> Dimensions:
    """Dimensions are a set: their order does not matter."""
    return tuple(sorted(named.items()))


class MetricStore:
    """``tick`` is the finest resolution in seconds: one CloudWatch second, as long as it takes here."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._kept: dict[Series, list[Samples]] = {}
        self._lock = threading.Lock()

    def record(self, series: Series, at: float, values: Iterable[float]) -> None:
        with self._lock:
            ticks = self._kept.setdefault(series, [])
            start = at // self._tick * self._tick
            place = bisect.bisect_left(ticks, start, key=_at)
            if place == len(ticks) or ticks[place].at != start:
                ticks.insert(place, Samples(start))
            ticks[place].values.extend(values)
            del ticks[:-TICKS_KEPT]

    def between(self, series: Series, start: float, end: float) -> list[float]:
        """All values from ``start`` (inclusive) to ``end`` (exclusive)."""
        with self._lock:
            ticks = self._kept.get(series, [])
            some = ticks[bisect.bisect_left(ticks, start, key=_at) : bisect.bisect_left(ticks, end, key=_at)]
            return [value for tick in some for value in tick.values]

    def everything(self, account: str, region: str, namespaces: frozenset[str]) -> list[tuple[Series, Samples]]:
        with self._lock:
            return [
                (series, Samples(tick.at, list(tick.values)))
                for series, ticks in self._kept.items()
                if (series.account, series.region) == (account, region) and series.namespace in namespaces
                for tick in ticks
            ]


@cache
def store_of(cloud: CloudState) -> MetricStore:
    """The one store of a cloud, which its planes share."""
    return MetricStore(cloud.aws_seconds(1.0))


def _at(samples: Samples) -> float:
    return samples.at
