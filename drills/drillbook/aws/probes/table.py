"""A DynamoDB table's configuration, told without its name, so that a restored table can be compared with its source.

What a restore does not bring back (AWS: "Restoring a table in DynamoDB from a point in time"): auto scaling, IAM
policies, CloudWatch alarms, tags, stream, replicas, TTL, deletion protection, point-in-time recovery.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.aws.session import Session

OWN_TAGS = "drillbook-"
"""Tags beginning so mark what a drill made; they are no configuration of the service."""
_ALARM_FACTS = (
    "Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "EvaluationPeriods", "DatapointsToAlarm",
    "Threshold", "ComparisonOperator", "TreatMissingData", "AlarmActions", "OKActions", "InsufficientDataActions",
)  # fmt: skip
_THROUGHPUT_FACTS = ("ReadCapacityUnits", "WriteCapacityUnits")


def describe_configuration(session: Session, table: str, region: str | None = None) -> dict[str, Json]:
    """Everything set on ``table`` that a restore might lose. Contents and names are not in it. Reads only.

    Raises PermanentError if the table is not there or may not be read, TemporaryError if trying again may help.
    """
    dynamodb = session.client("dynamodb", region)
    with calling(f"read the configuration of the table {table}"):
        described = dynamodb.describe_table(TableName=table)["Table"]
        return {
            **_shape(described),
            **_capacity(described),
            "stream": described.get("StreamSpecification", {}).get("StreamViewType"),
            "replicas": sorted(replica["RegionName"] for replica in described.get("Replicas", [])),
            "deletion protection": described.get("DeletionProtectionEnabled", False),
            "table class": described.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
            "encryption": described.get("SSEDescription", {}).get("SSEType"),
            "time to live": _time_to_live(dynamodb, table),
            "point-in-time recovery": _point_in_time_recovery(dynamodb, table),
            "tags": _tags(dynamodb, described["TableArn"]),
            "resource policy": _policy(dynamodb, table, described["TableArn"]),
            "auto scaling": _auto_scaling(session, region, table, described),
            "alarms": _alarms(session, region, table),
        }


def _shape(described: dict[str, Any]) -> dict[str, Json]:
    types = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
    return {
        "keys": _keys(described, types),
        "global indexes": _indexes(described.get("GlobalSecondaryIndexes", []), types),
        "local indexes": _indexes(described.get("LocalSecondaryIndexes", []), types),
    }


def _keys(described: dict[str, Any], types: dict[str, str]) -> list[str]:
    return [
        f"{part['AttributeName']} {types.get(part['AttributeName'])} {part['KeyType']}"
        for part in described["KeySchema"]
    ]


def _indexes(indexes: list[dict[str, Any]], types: dict[str, str]) -> dict[str, Json]:
    return {
        index["IndexName"]: {
            "keys": _keys(index, types),
            "projection": index["Projection"].get("ProjectionType"),
            "attributes": sorted(index["Projection"].get("NonKeyAttributes", [])),
        }
        for index in indexes
    }


def _capacity(described: dict[str, Any]) -> dict[str, Json]:
    mode = described.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    if mode != "PROVISIONED":
        return {"billing": mode, "throughput": None}
    given = described.get("ProvisionedThroughput", {})
    return {"billing": mode, "throughput": {fact: given.get(fact) for fact in _THROUGHPUT_FACTS}}


def _time_to_live(dynamodb: Any, table: str) -> str | None:
    found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return found.get("AttributeName") if found["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None


def _point_in_time_recovery(dynamodb: Any, table: str) -> bool:
    found = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    return bool(found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED")


def _tags(dynamodb: Any, arn: str) -> dict[str, Json]:
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags", [])}
    return {key: value for key, value in sorted(tags.items()) if not key.startswith(("aws:", OWN_TAGS))}


def _policy(dynamodb: Any, table: str, arn: str) -> str | None:
    from botocore.exceptions import ClientError

    try:
        policy: str = dynamodb.get_resource_policy(ResourceArn=arn)["Policy"]
    except ClientError as error:
        if code_of(error) in ("PolicyNotFoundException", "UnknownOperationException"):
            return None
        raise
    return policy.replace(f"table/{table}", "table/*")


def _auto_scaling(session: Session, region: str | None, table: str, described: dict[str, Any]) -> list[Json]:
    """Only a table with provisioned capacity can have any; on demand nobody is asked."""
    if _capacity(described)["billing"] != "PROVISIONED":
        return []
    scaling = session.client("application-autoscaling", region)
    found = scaling.describe_scalable_targets(ServiceNamespace="dynamodb", ResourceIds=[f"table/{table}"])
    facts = ("ScalableDimension", "MinCapacity", "MaxCapacity")
    targets: list[Json] = [{fact: target[fact] for fact in facts} for target in found["ScalableTargets"]]
    return sorted(targets, key=lambda target: str(target["ScalableDimension"]))


def _alarms(session: Session, region: str | None, table: str) -> list[Json]:
    found = [
        {fact: alarm[fact] for fact in _ALARM_FACTS if alarm.get(fact) not in (None, [])}
        | {"Dimensions": [each["Name"] for each in alarm["Dimensions"]]}
        for alarm in _alarms_on(session.client("cloudwatch", region), table)
    ]
    return sorted(found, key=repr)


def _alarms_on(cloudwatch: Any, table: str) -> Iterator[dict[str, Any]]:
    for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
        for alarm in page["MetricAlarms"]:
            if {"Name": "TableName", "Value": table} in alarm.get("Dimensions", []):
                yield alarm
