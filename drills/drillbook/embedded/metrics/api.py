"""Metrics in the API: what the planes count can be read, what a service counts itself is seen by alarms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricAggregatedDatum, MetricDatumBase, Statistics

from drillbook.embedded.metrics.store import Dimensions, MetricStore, Samples, Series, dimensions, store_of
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


def get_metric_statistics(original: Callable[..., list[Statistics]]) -> Callable[..., list[Statistics]]:
    def get(
        backend: CloudWatchBackend,
        namespace: str,
        metric_name: str,
        start_time: datetime,
        end_time: datetime,
        period: int,
        stats: list[str],
        dimensions: list[dict[str, str]],
        unit: str | None = None,
    ) -> list[Statistics]:
        """CloudWatch "treats each unique combination of dimensions as a separate metric", whereas moto adds up what
        has these among others. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html"""
        wanted = {(namespace, metric_name, _named(dimensions))}
        asked = (namespace, metric_name, start_time, end_time, period, stats, dimensions, unit)
        return original(_only(backend, wanted), *asked)

    return get


def get_metric_data(original: Callable[..., Any]) -> Callable[..., Any]:
    def get(backend: CloudWatchBackend, queries: list[dict[str, Any]], *settings: Any, **named: Any) -> Any:
        """As GetMetricStatistics; expressions of Metrics Insights (SELECT) see everything."""
        if any(query.get("Expression", "").startswith("SELECT") for query in queries):
            return original(backend, queries, *settings, **named)
        metrics = [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]
        wanted = {(one["Namespace"], one["MetricName"], _named(one.get("Dimensions") or [])) for one in metrics}
        return original(_only(backend, wanted), queries, *settings, **named)

    return get


Metric = tuple[str, str, Dimensions]


def _only(backend: CloudWatchBackend, wanted: set[Metric]) -> Any:
    """A backend as these calls see it, with no other metrics than these."""

    def metrics() -> list[MetricDatumBase]:
        return [
            datum
            for datum in backend.get_all_metrics()
            if (datum.namespace, datum.name, dimensions({str(one.name): str(one.value) for one in datum.dimensions}))
            in wanted
        ]

    return SimpleNamespace(get_all_metrics=metrics, region_name=backend.region_name)


def _named(given: list[dict[str, str]]) -> Dimensions:
    return dimensions({one["Name"]: one["Value"] for one in given})


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
