"""The same calls with boto3 alone: what no engine can beat."""

import time

import boto3

TABLE, COPY, KEY = "products", "products-restored", {"id": {"S": "p7"}}
dynamodb = boto3.client("dynamodb")


def price(table):
    return dynamodb.get_item(TableName=table, Key=KEY, ConsistentRead=True)["Item"]["price"]["N"]


assert price(TABLE) == "107"
dynamodb.update_item(
    TableName=TABLE,
    Key=KEY,
    UpdateExpression="SET price = :p",
    ExpressionAttributeValues={":p": {"N": "-1"}},
)
backup = dynamodb.list_backups(TableName=TABLE)["BackupSummaries"][-1]["BackupArn"]
dynamodb.restore_table_from_backup(TargetTableName=COPY, BackupArn=backup)
while dynamodb.describe_table(TableName=COPY)["Table"]["TableStatus"] != "ACTIVE":
    time.sleep(0.05)
dynamodb.put_item(TableName=TABLE, Item=dynamodb.get_item(TableName=COPY, Key=KEY)["Item"])
assert price(TABLE) == "107"
dynamodb.delete_table(TableName=COPY)
