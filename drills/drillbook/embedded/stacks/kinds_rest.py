"""Types that watch, tell, keep secrets and settings: CloudWatch, SNS, SQS, SSM, Secrets Manager, KMS, Logs.

Properties and return values: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import json

from drillbook.embedded.stacks.kind import Call, Kind, Later, Properties

_ALARM = Kind(
    "cloudwatch",
    "put_metric_alarm",
    "properties.AlarmName",
    Call("delete_alarms", "{AlarmNames: [id]}"),
    name="AlarmName",
    update="put_metric_alarm",
    update_given=lambda properties: properties,
    keep=frozenset({"AlarmName", "Tags"}),
    describe=Call("describe_alarms", "{AlarmNames: [id]}"),
    attributes="{Arn: answer.MetricAlarms[0].AlarmArn}",
)
_TOPIC = Kind(
    "sns",
    "create_topic",
    "answer.TopicArn",
    Call("delete_topic", "{TopicArn: id}"),
    name="TopicName",
    shape=lambda properties: {"Name" if name == "TopicName" else name: value for name, value in properties.items()},
    later=(
        Later(
            "Subscription",
            Call("subscribe", "{TopicArn: id, Protocol: value.Protocol, Endpoint: value.Endpoint}"),
            each=True,
        ),
        Later(
            "DisplayName",
            Call("set_topic_attributes", "{TopicArn: id, AttributeName: 'DisplayName', AttributeValue: value}"),
        ),
    ),
    attributes="{TopicArn: id, TopicName: properties.TopicName}",
)
_SUBSCRIPTION = Kind(
    "sns",
    "subscribe",
    "answer.SubscriptionArn",
    Call("unsubscribe", "{SubscriptionArn: id}"),
    given="{ReturnSubscriptionArn: `true`}",
    attributes="{Arn: id}",
)
_QUEUE = Kind(
    "sqs",
    "create_queue",
    "answer.QueueUrl",
    Call("delete_queue", "{QueueUrl: id}"),
    name="QueueName",
    shape=lambda properties: _queue(properties),
    describe=Call("get_queue_attributes", "{QueueUrl: id, AttributeNames: ['QueueArn']}"),
    attributes="{Arn: answer.Attributes.QueueArn, QueueUrl: id, QueueName: properties.QueueName}",
)


def _queue(properties: Properties) -> Properties:
    own = {"QueueName", "Tags"}
    attributes = {
        name: json.dumps(value) if isinstance(value, dict) else str(value)
        for name, value in properties.items()
        if name not in own
    }
    return {name: value for name, value in properties.items() if name in own} | {"Attributes": attributes}


_PARAMETER = Kind(
    "ssm",
    "put_parameter",
    "properties.Name",
    Call("delete_parameter", "{Name: id}"),
    name="Name",
    update="put_parameter",
    update_given="{Name: id, Type: properties.Type, Value: properties.Value, Overwrite: `true`}",
    keep=frozenset({"Name", "Type", "Tags"}),
    attributes="{Type: properties.Type, Value: properties.Value}",
)
_SECRET = Kind(
    "secretsmanager",
    "create_secret",
    "answer.ARN",
    Call("delete_secret", "{SecretId: id, ForceDeleteWithoutRecovery: `true`}"),
    name="Name",
    update="update_secret",
    update_given="{SecretId: id}",
    keep=frozenset({"Name", "Tags", "GenerateSecretString"}),
    attributes="{Id: id}",
)
_KEY = Kind(
    "kms",
    "create_key",
    "answer.KeyMetadata.KeyId",
    Call("schedule_key_deletion", "{KeyId: id, PendingWindowInDays: properties.PendingWindowInDays}"),
    shape=lambda properties: _key(properties),
    describe=Call("describe_key", "{KeyId: id}"),
    attributes="{Arn: answer.KeyMetadata.Arn, KeyId: id}",
    ignored=frozenset({"PendingWindowInDays"}),
)


def _key(properties: Properties) -> Properties:
    renamed = {"KeyPolicy": "Policy"}
    return {
        renamed.get(name, name): json.dumps(value) if name == "KeyPolicy" and isinstance(value, dict) else value
        for name, value in properties.items()
    }


_KEY_ALIAS = Kind("kms", "create_alias", "properties.AliasName", Call("delete_alias", "{AliasName: id}"))
_LOG_GROUP = Kind(
    "logs",
    "create_log_group",
    "properties.LogGroupName",
    Call("delete_log_group", "{logGroupName: id}"),
    name="LogGroupName",
    later=(Later("RetentionInDays", Call("put_retention_policy", "{logGroupName: id, retentionInDays: value}")),),
    attributes="{Arn: join('', ['arn:aws:logs:', region, ':', account, ':log-group:', id, ':*'])}",
)

KINDS = {
    "AWS::CloudWatch::Alarm": _ALARM,
    "AWS::SNS::Topic": _TOPIC,
    "AWS::SNS::Subscription": _SUBSCRIPTION,
    "AWS::SQS::Queue": _QUEUE,
    "AWS::SSM::Parameter": _PARAMETER,
    "AWS::SecretsManager::Secret": _SECRET,
    "AWS::KMS::Key": _KEY,
    "AWS::KMS::Alias": _KEY_ALIAS,
    "AWS::Logs::LogGroup": _LOG_GROUP,
}
