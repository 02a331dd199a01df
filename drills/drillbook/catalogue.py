"""The built-in faults, probes and descriptions that a service file may name. Strings only: nothing is imported here.

To add one: write it in its own file, and give it a line below.
"""

from __future__ import annotations

import importlib
from typing import Any, Literal

from drillbook.errors import UsageError
from drillbook.service_yaml import nearest

Kind = Literal["fault", "probe", "configuration"]

BUILT_INS: dict[Kind, dict[str, str]] = {
    "fault": {
        "aurora.writer_crash": "drillbook.aws.faults.cluster:WriterCrash",
        "dynamodb.corrupt_items": "drillbook.aws.faults.table:CorruptItems",
        "lambda.bad_deployment": "drillbook.aws.faults.function:BadDeployment",
        "rds.crash": "drillbook.aws.faults.database:Crash",
        "rds.credentials_changed": "drillbook.aws.faults.database_access:CredentialsChanged",
        "rds.disk_full": "drillbook.aws.faults.database:DiskFull",
        "rds.hang": "drillbook.aws.faults.database:Hang",
        "rds.security_group_revoked": "drillbook.aws.faults.database_access:SecurityGroupRevoked",
        "region.dark": "drillbook.aws.faults.region:RegionDark",
        "region.partitioned": "drillbook.aws.faults.region:RegionPartitioned",
        "service.slow": "drillbook.aws.faults.service:ServiceSlow",
        "service.throttled": "drillbook.aws.faults.service:ServiceThrottled",
        "service.unavailable": "drillbook.aws.faults.service:ServiceUnavailable",
        "sql.corrupt_rows": "drillbook.sql.corrupt_rows:CorruptRows",
        "zone.dark": "drillbook.aws.faults.region:ZoneDark",
    },
    "probe": {
        "cloudwatch.alarm": "drillbook.aws.probes.alarm:AlarmProbe",
        "lambda.variables": "drillbook.aws.probes.function:Variables",
        "sql.one_writer": "drillbook.sql.replication:OneWriter",
        "sql.query": "drillbook.sql.query:SqlQuery",
        "web.journey": "drillbook.web.journey:Journey",
        "web.latency": "drillbook.web.latency:Latency",
    },
    "configuration": {
        "rds.cluster": "drillbook.aws.probes.cluster:describe_configuration",
        "dynamodb.table": "drillbook.aws.probes.table:describe_configuration",
    },
}

OBSTRUCTING = ("region.dark", "region.partitioned", "service.slow", "service.throttled", "service.unavailable")
"""Faults under which other changes cannot be undone: they are healed first."""

CAPABILITIES = (
    "apigateway.front_door",
    "apigateway.throttling",
    "aurora.failover",
    "backup.jobs",
    "cloudformation.truth",
    "cloudtrail.lookup",
    "cloudwatch.alarms",
    "dynamodb.backup",
    "dynamodb.deletion_protection",
    "dynamodb.global_tables",
    "dynamodb.pitr",
    "dynamodb.streams",
    "kms.disable",
    "lambda.concurrency",
    "lambda.invoke",
    "lambda.versions",
    "rds.multi_az",
    "rds.pitr",
    "rds.replica_promotion",
    "route53.dns",
    "route53.health_checks",
    "s3.replication",
    "s3.versioning",
    "secretsmanager.rotation",
)
"""What a service or plan may need of its target; each has a truth probe in ``drillbook.targets``."""


def names(kind: Kind) -> list[str]:
    """The built-ins of one kind, sorted."""
    return sorted(BUILT_INS[kind])


def resolve(kind: Kind, name: str) -> Any:
    """The class or function behind a built-in's name. Imports its module, and only that.

    Raises UsageError for an unknown name.
    """
    if name not in BUILT_INS[kind]:
        raise UsageError(f"there is no built-in {kind} {name!r}", do=nearest(name, BUILT_INS[kind]))
    return imported(BUILT_INS[kind][name])


def imported(path: str) -> Any:
    """The object at ``package.module:name``. Raises UsageError when there is none."""
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{path} cannot be loaded: {error}", do="check that drillbook is installed whole") from error
