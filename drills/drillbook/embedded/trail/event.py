"""One API call as CloudTrail's event history tells it.

Source: "CloudTrail record contents for management events"
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
Of the request's parameters only those that name resources are kept: the others may hold secrets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

RESOURCES = {
    "TableName": "AWS::DynamoDB::Table",
    "TargetTableName": "AWS::DynamoDB::Table",
    "SourceTableName": "AWS::DynamoDB::Table",
    "DBInstanceIdentifier": "AWS::RDS::DBInstance",
    "SourceDBInstanceIdentifier": "AWS::RDS::DBInstance",
    "TargetDBInstanceIdentifier": "AWS::RDS::DBInstance",
    "DBClusterIdentifier": "AWS::RDS::DBCluster",
    "GlobalClusterIdentifier": "AWS::RDS::GlobalCluster",
    "DBSnapshotIdentifier": "AWS::RDS::DBSnapshot",
    "FunctionName": "AWS::Lambda::Function",
    "restApiId": "AWS::ApiGateway::RestApi",
    "BackupVaultName": "AWS::Backup::BackupVault",
    "RecoveryPointArn": "AWS::Backup::RecoveryPoint",
    "HostedZoneId": "AWS::Route53::HostedZone",
    "HealthCheckId": "AWS::Route53::HealthCheck",
    "Bucket": "AWS::S3::Bucket",
    "TopicArn": "AWS::SNS::Topic",
    "QueueUrl": "AWS::SQS::Queue",
    "RoleName": "AWS::IAM::Role",
    "UserName": "AWS::IAM::User",
    "KeyId": "AWS::KMS::Key",
    "SecretId": "AWS::SecretsManager::Secret",
    "StackName": "AWS::CloudFormation::Stack",
    "AlarmName": "AWS::CloudWatch::Alarm",
}
"""Parameters that name a resource, and the resource's type."""
READ_ONLY = re.compile(r"Get|List|Describe|Head|Lookup|Search|Test|Batch(Get|Describe)")


@dataclass(frozen=True)
class Event:
    """``at`` is UTC seconds since the epoch. ``error`` is empty for a call that succeeded."""

    id: str
    at: float
    name: str
    source: str
    account: str
    region: str
    user: str
    access_key: str
    agent: str
    resources: tuple[tuple[str, str], ...]
    error: str = ""

    @property
    def read_only(self) -> bool:
        return READ_ONLY.match(self.name) is not None

    def summary(self) -> dict[str, Any]:
        """As LookupEvents answers it."""
        return {
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": str(self.read_only).lower(),
            "AccessKeyId": self.access_key,
            "EventTime": self.at,
            "EventSource": self.source,
            "Username": self.user,
            "Resources": [{"ResourceType": type_, "ResourceName": name} for type_, name in self.resources],
            "CloudTrailEvent": json.dumps(self._record()),
        }

    def _record(self) -> dict[str, Any]:
        service = self.agent if self.agent.endswith(".amazonaws.com") else ""
        identity = {"type": "IAMUser", "accountId": self.account, "userName": self.user, "accessKeyId": self.access_key}
        record = {
            "eventVersion": "1.11",
            "eventID": self.id,
            "eventTime": datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventName": self.name,
            "eventSource": self.source,
            "eventType": "AwsApiCall",
            "eventCategory": "Management",
            "managementEvent": True,
            "readOnly": self.read_only,
            "awsRegion": self.region,
            "recipientAccountId": self.account,
            "sourceIPAddress": service or "127.0.0.1",
            "userAgent": self.agent,
            "userIdentity": identity | ({"invokedBy": service} if service else {}),
            "resources": [{"type": type_, "ARN": name} for type_, name in self.resources if name.startswith("arn:")],
        }
        return record | ({"errorCode": self.error} if self.error else {})


def resources_of(parameters: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Type and name of what the call is about."""
    known = {name.lower(): type_ for name, type_ in RESOURCES.items()}
    return tuple(
        (known[name.lower()], value)
        for name, value in parameters.items()
        if name.lower() in known and isinstance(value, str)
    )
