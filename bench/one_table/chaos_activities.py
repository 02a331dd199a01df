"""The same drill as Chaos Toolkit activities, with a client made by chaostoolkit-aws in each, as its own modules do."""

import time

from chaosaws import aws_client

KEY = {"id": {"S": "p7"}}


def _dynamodb(configuration, secrets):
    return aws_client("dynamodb", configuration, secrets)


def item_is_good(table, expected, configuration=None, secrets=None):
    item = _dynamodb(configuration, secrets).get_item(TableName=table, Key=KEY, ConsistentRead=True)["Item"]
    return item["price"]["N"] == expected


def corrupt(table, configuration=None, secrets=None):
    _dynamodb(configuration, secrets).update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET price = :p",
        ExpressionAttributeValues={":p": {"N": "-1"}},
    )


def restore(table, copy, configuration=None, secrets=None):
    dynamodb = _dynamodb(configuration, secrets)
    backup = dynamodb.list_backups(TableName=table)["BackupSummaries"][-1]["BackupArn"]
    dynamodb.restore_table_from_backup(TargetTableName=copy, BackupArn=backup)
    while dynamodb.describe_table(TableName=copy)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)


def copy_back(table, copy, configuration=None, secrets=None):
    dynamodb = _dynamodb(configuration, secrets)
    dynamodb.put_item(TableName=table, Item=dynamodb.get_item(TableName=copy, Key=KEY)["Item"])


def remove(copy, configuration=None, secrets=None):
    _dynamodb(configuration, secrets).delete_table(TableName=copy)
