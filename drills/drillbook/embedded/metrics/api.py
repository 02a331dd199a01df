"""Metrics in the API: what the planes count can be read, what a service counts itself is seen by alarms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricAggregatedDatum, MetricDatumBase

from drillbook.embedded.metrics.store import MetricStore, Samples, Series, dimensions, store_of
from drillbook.embedded.planes import CloudState

OURS = frozenset({"AWS/Lambda", "AWS/ApiGateway", "AWS/DynamoDB", "AWS/S3", "AWS/Route53", "AWS/CloudFront", "AWS/RDS"})
"""Namespaces that the planes fill; moto knows the others."""


def put_metric_data(original: Callable[..., None], cloud: CloudState) -> Callable[..., None]:
    """The metrics that a service counts itself are seen by alarms, too."""

    def put(backend: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        original(backend, namespace, metric_data)
        for datum in metric_data:
            named = {one["Name"]: one["Value"] for one in datum.get("Dimensions") or []}
            place = (backend.account_id, backend.region_name, namespace, datum["MetricName"], dimensions(named))
            moment = datum.get("Timestamp")
            at = cloud.clock.now() if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)
            store_of(cloud).record(Series(*place), at.timestamp(), _values(datum))

    return put


def _values(datum: dict[str, Any]) -> list[float]:
    """A datum's values. A statistic set stands for as many values with its sum, its minimum and its maximum."""
    if values := datum.get("Values"):
        counts = datum.get("Counts") or [1] * len(values)
        return [float(value) for value, count in zip(values, counts, strict=True) for _ in range(int(float(count)))]
    if known := datum.get("StatisticValues"):
        count = int(float(known["SampleCount"]))
        ends = [float(known["Minimum"]), float(known["Maximum"])][:count]
        rest = count - len(ends)
        return ends + [(float(known["Sum"]) - sum(ends)) / rest] * rest if rest else ends
    return [float(datum.get("Value", 0))]


def get_all_metrics(
    original: Callable[..., list[MetricDatumBase]], store: MetricStore
) -> Callable[..., list[MetricDatumBase]]:
    def get(backend: CloudWatchBackend) -> list[MetricDatumBase]:
        """What the planes counted is seen by GetMetricStatistics, GetMetricData and ListMetrics."""
        ours = store.everything(backend.account_id, backend.region_name, OURS)
        return original(backend) + [_datum(series, samples, store.moment(samples.tick)) for series, samples in ours]

    return get


def _datum(series: Series, samples: Samples, at: float) -> MetricDatumBase:
    # moto's models remember every instance for ever; these are made anew for each request, so they must not.
    datum = object.__new__(MetricAggregatedDatum)
    datum.__init__(  # type: ignore[misc]
        series.namespace,
        series.name,
        min(samples.values),
        max(samples.values),
        float(len(samples.values)),
        sum(samples.values),
        [{"Name": name, "Value": value} for name, value in series.dimensions],
        datetime.fromtimestamp(at, UTC).replace(tzinfo=None),
        "Milliseconds" if "Latency" in series.name or series.name == "Duration" else "Count",
    )
    return datum
