"""What RDS refuses before it does anything.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drillbook.embedded.rds.errors import bad_combination, bad_value

_PASSWORD = re.compile(r"[!-~]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_RESERVED = ("rdsadmin", "rds_superuser", "admin")


def new_instance(given: Mapping[str, Any], region: str) -> None:
    """Raises InvalidParameterValue or InvalidParameterCombination."""
    user = given.get("master_username")
    if not user:
        raise bad_value("The parameter MasterUsername must be provided and must not be blank.")
    if not _NAME.fullmatch(user) or user.lower() in _RESERVED or user.lower().startswith("pg_"):
        raise bad_value(f"MasterUsername {user} cannot be used as it is a reserved word used by the engine")
    managed, word = given.get("manage_master_user_password"), given.get("master_user_password")
    if managed and word:
        raise bad_combination("You can't specify MasterUserPassword with ManageMasterUserPassword.")
    if not managed and not word:
        raise bad_value("The parameter MasterUserPassword must be provided and must not be blank.")
    if (name := given.get("db_name")) and not _NAME.fullmatch(name):
        raise bad_value("DBName must begin with a letter and contain only alphanumeric characters.")
    settings(given)
    placement(given, region)


def settings(given: Mapping[str, Any]) -> None:
    """Those that may be given when an instance is created, modified or restored."""
    if (word := given.get("master_user_password")) is not None:
        password(word)
    if (days := given.get("backup_retention_period")) is not None and not 0 <= days <= 35:
        raise bad_value(f"Invalid backup retention period: {days}. Must be between 0 and 35.")
    if (port := given.get("port") or given.get("db_port_number")) is not None and not 1150 <= port <= 65535:
        raise bad_value(f"Invalid endpoint port {port}, valid port range is 1150-65535")


def password(word: str) -> None:
    if len(word) < 8:
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters."
        )
    if len(word) > 128:
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password because it is longer than 128 characters."
        )
    if not _PASSWORD.fullmatch(word) or set(word) & set('/@" '):
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        )


def placement(given: Mapping[str, Any], region: str) -> None:
    zone = given.get("availability_zone")
    if zone and given.get("multi_az"):
        raise bad_combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
    if zone and not re.fullmatch(re.escape(region) + "[a-f]", zone):
        raise bad_value(f"Invalid availability zone: {zone} is not in {region}")


def deletion(final: str | None, skip: bool, replica: bool) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html"""
    if skip and final:
        raise bad_combination("FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot.")
    if not skip and not final:
        raise bad_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if replica and final:
        raise bad_combination("A final snapshot cannot be created when deleting a read replica.")
