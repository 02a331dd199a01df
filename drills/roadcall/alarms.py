"""Alarms of both regions, and the topics through which people learn of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of

from .names import API_NAME, CLUSTERS, DR, FUNCTIONS, PRIMARY, REGIONS, TABLES, TAG_LIST, TOPIC, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

LAG_ALARM = "roadcall-replication-lag-prod"
LAG_LIMIT_MS = 1000


def stand_up(world: World) -> None:
    session = session_of(world)
    for region in REGIONS:
        session.client("sns", region).create_topic(Name=TOPIC, Tags=TAG_LIST)
        cloudwatch, topic = session.client("cloudwatch", region), topic_arn(session.account, region)
        _alarm(cloudwatch, topic, "roadcall-api-5xx-prod", "AWS/ApiGateway", "5XXError", {"ApiName": API_NAME})
        for name in FUNCTIONS:
            _alarm(cloudwatch, topic, f"{name}-errors", "AWS/Lambda", "Errors", {"FunctionName": name})
    primary, topic = session.client("cloudwatch", PRIMARY), topic_arn(session.account, PRIMARY)
    for name in TABLES.values():
        _alarm(primary, topic, f"{name}-throttled", "AWS/DynamoDB", "WriteThrottleEvents", {"TableName": name})
    _lag_alarm(session.client("cloudwatch", DR), topic_arn(session.account, DR))


def _alarm(cloudwatch: Any, topic: str, name: str, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
        Tags=TAG_LIST,
    )


def _lag_alarm(cloudwatch: Any, topic: str) -> None:
    """The replica lags, or nobody hears of its lag any more."""
    cloudwatch.put_metric_alarm(
        AlarmName=LAG_ALARM,
        Namespace="AWS/RDS",
        MetricName="AuroraGlobalDBReplicationLag",
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": CLUSTERS[DR]}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=3,
        Threshold=LAG_LIMIT_MS,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="breaching",
        AlarmActions=[topic],
        Tags=TAG_LIST,
    )
