"""Types that keep data: DynamoDB, S3, RDS, Backup.

Properties and return values: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

from typing import Any

from drillbook.embedded.stacks.kind import Call, Kind, Later, Properties

_TABLE = Kind(
    "dynamodb",
    "create_table",
    "properties.TableName",
    Call("delete_table", "{TableName: id}"),
    name="TableName",
    update="update_table",
    keep=frozenset({"TableName", "KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes", "Tags"}),
    update_given="{TableName: id}",
    later=(
        Later(
            "PointInTimeRecoverySpecification",
            Call("update_continuous_backups", "{TableName: id, PointInTimeRecoverySpecification: value}"),
            off={"PointInTimeRecoveryEnabled": False},
        ),
        Later(
            "TimeToLiveSpecification", Call("update_time_to_live", "{TableName: id, TimeToLiveSpecification: value}")
        ),
    ),
    shape=lambda properties: _streaming(properties),
    describe=Call("describe_table", "{TableName: id}"),
    ready="Table.TableStatus == 'ACTIVE'",
    attributes="{Arn: answer.Table.TableArn, StreamArn: answer.Table.LatestStreamArn}",
)


def _streaming(properties: Properties) -> Properties:
    """In a template, to name a view is to switch the stream on; a table is provisioned unless it says otherwise."""
    if stream := properties.get("StreamSpecification"):
        properties = {**properties, "StreamSpecification": {"StreamEnabled": True, **stream}}
    return properties


_BUCKET = Kind(
    "s3",
    "create_bucket",
    "properties.BucketName",
    Call("delete_bucket", "{Bucket: id}"),
    name="BucketName",
    shape=lambda properties: _bucket(properties),
    given="{CreateBucketConfiguration: region != 'us-east-1' && {LocationConstraint: region} || `null`}",
    later=(
        Later(
            "VersioningConfiguration",
            Call("put_bucket_versioning", "{Bucket: id, VersioningConfiguration: value}"),
            off={"Status": "Suspended"},
        ),
        Later(
            "ReplicationConfiguration", Call("put_bucket_replication", "{Bucket: id, ReplicationConfiguration: value}")
        ),
        Later("Tags", Call("put_bucket_tagging", "{Bucket: id, Tagging: {TagSet: value}}"), off=[]),
        Later(
            "PublicAccessBlockConfiguration",
            Call("put_public_access_block", "{Bucket: id, PublicAccessBlockConfiguration: value}"),
        ),
        Later(
            "BucketEncryption",
            Call(
                "put_bucket_encryption",
                "{Bucket: id, ServerSideEncryptionConfiguration: {Rules: value.ServerSideEncryptionConfiguration[]"
                ".{ApplyServerSideEncryptionByDefault: ServerSideEncryptionByDefault}}}",
            ),
        ),
    ),
    attributes="""{Arn: join('', ['arn:aws:s3:::', id]), DomainName: join('', [id, '.s3.amazonaws.com']),
        RegionalDomainName: join('', [id, '.s3.', region, '.amazonaws.com'])}""",
)


def _bucket(properties: Properties) -> Properties:
    return {"Bucket" if name == "BucketName" else name: value for name, value in properties.items()}


_INSTANCE_KEEPS = (
    "DBInstanceIdentifier Engine MasterUsername DBName DBClusterIdentifier AvailabilityZone"
    " DBSnapshotIdentifier SourceDBInstanceIdentifier SourceRegion StorageEncrypted KmsKeyId Tags"
)
_DB_INSTANCE = Kind(
    "rds",
    lambda properties: _instance_operation(properties),
    "properties.DBInstanceIdentifier",
    Call(
        "delete_db_instance",
        """{DBInstanceIdentifier: id, SkipFinalSnapshot: final == `null`, FinalDBSnapshotIdentifier: final,
            DeleteAutomatedBackups: properties.DeleteAutomatedBackups}""",
    ),
    name="DBInstanceIdentifier",
    shape=lambda properties: _rds(properties),
    update="modify_db_instance",
    update_given="{DBInstanceIdentifier: id, ApplyImmediately: `true`}",
    keep=frozenset(_INSTANCE_KEEPS.split()),
    describe=Call("describe_db_instances", "{DBInstanceIdentifier: id}"),
    ready="DBInstances[0].DBInstanceStatus == 'available'",
    failed="contains(['failed', 'incompatible-restore', 'storage-full'], DBInstances[0].DBInstanceStatus)",
    attributes="""{"Endpoint.Address": answer.DBInstances[0].Endpoint.Address,
        "Endpoint.Port": to_string(answer.DBInstances[0].Endpoint.Port),
        DBInstanceArn: answer.DBInstances[0].DBInstanceArn, DbiResourceId: answer.DBInstances[0].DbiResourceId}""",
    ignored=frozenset({"DeleteAutomatedBackups"}),
    snapshot=lambda properties: not {"DBClusterIdentifier", "SourceDBInstanceIdentifier"} & properties.keys(),
)


def _instance_operation(properties: Properties) -> str:
    if properties.get("DBSnapshotIdentifier"):
        return "restore_db_instance_from_db_snapshot"
    return "create_db_instance_read_replica" if properties.get("SourceDBInstanceIdentifier") else "create_db_instance"


def _rds(properties: Properties) -> Properties:
    renamed = {"VPCSecurityGroups": "VpcSecurityGroupIds"}
    return {renamed.get(name, name): value for name, value in properties.items()}


_CLUSTER_KEEPS = (
    "DBClusterIdentifier Engine MasterUsername DatabaseName SnapshotIdentifier StorageEncrypted"
    " KmsKeyId Tags GlobalClusterIdentifier ReplicationSourceIdentifier"
)
_DB_CLUSTER = Kind(
    "rds",
    lambda properties: (
        "restore_db_cluster_from_snapshot" if properties.get("SnapshotIdentifier") else "create_db_cluster"
    ),
    "properties.DBClusterIdentifier",
    Call(
        "delete_db_cluster",
        "{DBClusterIdentifier: id, SkipFinalSnapshot: final == `null`, FinalDBSnapshotIdentifier: final}",
    ),
    name="DBClusterIdentifier",
    update="modify_db_cluster",
    update_given="{DBClusterIdentifier: id, ApplyImmediately: `true`}",
    keep=frozenset(_CLUSTER_KEEPS.split()),
    describe=Call("describe_db_clusters", "{DBClusterIdentifier: id}"),
    ready="DBClusters[0].Status == 'available'",
    failed="contains(['failed', 'inaccessible-encryption-credentials'], DBClusters[0].Status)",
    attributes="""{"Endpoint.Address": answer.DBClusters[0].Endpoint,
        "Endpoint.Port": to_string(answer.DBClusters[0].Port),
        "ReadEndpoint.Address": answer.DBClusters[0].ReaderEndpoint,
        DBClusterArn: answer.DBClusters[0].DBClusterArn,
        DBClusterResourceId: answer.DBClusters[0].DbClusterResourceId}""",
    snapshot=lambda _: True,
)
_GLOBAL_CLUSTER = Kind(
    "rds",
    "create_global_cluster",
    "properties.GlobalClusterIdentifier",
    Call("delete_global_cluster", "{GlobalClusterIdentifier: id}"),
    name="GlobalClusterIdentifier",
)
_SUBNET_GROUP = Kind(
    "rds",
    "create_db_subnet_group",
    "properties.DBSubnetGroupName",
    Call("delete_db_subnet_group", "{DBSubnetGroupName: id}"),
    name="DBSubnetGroupName",
)
_VAULT = Kind(
    "backup",
    "create_backup_vault",
    "properties.BackupVaultName",
    Call("delete_backup_vault", "{BackupVaultName: id}"),
    attributes="{BackupVaultArn: answer.BackupVaultArn, BackupVaultName: id}",
)
_PLAN = Kind(
    "backup",
    "create_backup_plan",
    "answer.BackupPlanId",
    Call("delete_backup_plan", "{BackupPlanId: id}"),
    shape=lambda properties: properties | {"BackupPlan": _plan(properties["BackupPlan"])},
    update="update_backup_plan",
    update_given="{BackupPlanId: id}",
    attributes="{BackupPlanId: id, BackupPlanArn: answer.BackupPlanArn, VersionId: answer.VersionId}",
    describe=Call("get_backup_plan", "{BackupPlanId: id}"),
)


def _plan(said: dict[str, Any]) -> dict[str, Any]:
    rules = [
        {"TargetBackupVaultName" if name == "TargetBackupVault" else name: value for name, value in rule.items()}
        for rule in said.get("BackupPlanRule", [])
    ]
    return {name: value for name, value in said.items() if name != "BackupPlanRule"} | {"Rules": rules}


_SELECTION = Kind(
    "backup",
    "create_backup_selection",
    "answer.SelectionId",
    Call("delete_backup_selection", "{BackupPlanId: properties.BackupPlanId, SelectionId: id}"),
    attributes="{SelectionId: id, BackupPlanId: properties.BackupPlanId}",
)

KINDS = {
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::S3::Bucket": _BUCKET,
    "AWS::RDS::DBInstance": _DB_INSTANCE,
    "AWS::RDS::DBCluster": _DB_CLUSTER,
    "AWS::RDS::GlobalCluster": _GLOBAL_CLUSTER,
    "AWS::RDS::DBSubnetGroup": _SUBNET_GROUP,
    "AWS::Backup::BackupVault": _VAULT,
    "AWS::Backup::BackupPlan": _PLAN,
    "AWS::Backup::BackupSelection": _SELECTION,
}
