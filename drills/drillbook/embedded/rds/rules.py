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
_VERSION = re.compile(r"(9\.6|1[0-9])(\.\d+)?")
_STORAGE = {"standard": 5}
_LEAST_STORAGE = 20
"""GiB; https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html"""
_RESERVED = ("rdsadmin", "rds_superuser", "admin")


def new_instance(given: Mapping[str, Any], region: str) -> None:
    """Raises InvalidParameterValue or InvalidParameterCombination."""
    master_user(given.get("master_username"))
    managed, word = given.get("manage_master_user_password"), given.get("master_user_password")
    if managed and word:
        raise bad_combination("You can't specify MasterUserPassword with ManageMasterUserPassword.")
    if not managed and not word:
        raise bad_value("The parameter MasterUserPassword must be provided and must not be blank.")
    first_database("DBName", given.get("db_name"))
    settings(given)
    placement(given, region)


def master_user(name: str | None) -> None:
    if not name:
        raise bad_value("The parameter MasterUsername must be provided and must not be blank.")
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED or name.lower().startswith("pg_"):
        raise bad_value(f"MasterUsername {name} cannot be used as it is a reserved word used by the engine")


def first_database(parameter: str, name: str | None) -> None:
    if name and not _NAME.fullmatch(name):
        raise bad_value(f"{parameter} must begin with a letter and contain only alphanumeric characters.")


def settings(given: Mapping[str, Any]) -> None:
    """Those that may be given when an instance is created, modified or restored."""
    if (word := given.get("master_user_password")) is not None:
        password(word)
    if (days := given.get("backup_retention_period")) is not None and not 0 <= days <= 35:
        raise bad_value(f"Invalid backup retention period: {days}. Must be between 0 and 35.")
    port(given.get("port") or given.get("db_port_number"))
    if (version := given.get("engine_version")) and not _VERSION.fullmatch(version):
        raise bad_combination(f"Cannot find version {version} for postgres")
    least = _STORAGE.get(kind := given.get("storage_type") or "gp2", _LEAST_STORAGE)
    if (size := given.get("allocated_storage")) is not None and int(size) < least:
        raise bad_value(f"Invalid storage size for engine name postgres and storage type {kind}: {size}")


def port(number: int | None) -> None:
    if number is not None and not 1150 <= number <= 65535:
        raise bad_value(f"Invalid endpoint port {number}, valid port range is 1150-65535")


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
