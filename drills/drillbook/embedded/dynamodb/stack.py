"""The properties of AWS::DynamoDB::Table that moto's CloudFormation leaves out: recovery and time to live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table


def complete(create: Callable[..., Table]) -> Callable[..., Table]:
    """``Table.create_from_cloudformation_json``, with those properties made true afterwards.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dynamodb-table.html
    """

    def create_whole(
        _: type[Table],
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> Table:
        table = create(resource_name, cloudformation_json, account_id, region_name, **kwargs)
        backend = dynamodb_backends[account_id][region_name]
        properties = cloudformation_json["Properties"]
        if recovery := properties.get("PointInTimeRecoverySpecification"):
            on = str(recovery.get("PointInTimeRecoveryEnabled", False)).lower() == "true"
            backend.update_continuous_backups(table.name, recovery | {"PointInTimeRecoveryEnabled": on})
        if expiry := properties.get("TimeToLiveSpecification"):
            on = str(expiry.get("Enabled", False)).lower() == "true"
            backend.update_time_to_live(table.name, expiry | {"Enabled": on})
        return table

    return create_whole
