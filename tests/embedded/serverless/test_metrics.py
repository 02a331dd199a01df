"""What the metrics API tells of the planes' counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
REGION = "ap-south-1"
"""Where no other test counts."""


@pytest.fixture(scope="module")
def counted(client: Client) -> Client:
    """Values of one metric with two, one and no dimensions, and a table with two mistakes."""
    for number, named in enumerate([{"A": "1", "B": "1"}, {"A": "1"}, {}]):
        dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
        datum = {"MetricName": "M", "Dimensions": dimensions, "Value": 10.0**number}
        client("cloudwatch", REGION).put_metric_data(Namespace="own", MetricData=[datum])
    for _ in range(2):
        with pytest.raises(ClientError):
            client("dynamodb", REGION).get_item(TableName="nowhere", Key={"id": {"S": "x"}})
    return client


def statistics(client: Client, namespace: str, name: str, named: dict[str, str]) -> float:
    now = datetime.now(UTC)
    found = client("cloudwatch", REGION).get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in named.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in found))


def data(client: Client, named: dict[str, str]) -> float:
    now = datetime.now(UTC)
    metric = {
        "Namespace": "own",
        "MetricName": "M",
        "Dimensions": [{"Name": key, "Value": value} for key, value in named.items()],
    }
    found = client("cloudwatch", REGION).get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
    )["MetricDataResults"]
    return float(sum(found[0]["Values"]))


@pytest.mark.parametrize(
    ("named", "value"), [({"A": "1", "B": "1"}, 1.0), ({"A": "1"}, 10.0), ({}, 100.0), ({"B": "1"}, 0.0)]
)
def test_each_combination_of_dimensions_is_a_metric_of_its_own(
    counted: Client, named: dict[str, str], value: float
) -> None:
    assert statistics(counted, "own", "M", named) == value
    assert data(counted, named) == value


def test_refused_requests_to_tables_are_user_errors_of_the_region(counted: Client) -> None:
    assert statistics(counted, "AWS/DynamoDB", "UserErrors", {}) == 2.0
