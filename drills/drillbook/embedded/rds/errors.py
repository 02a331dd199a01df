"""RDS's own error codes, where moto has none or another one.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html and the Errors of each operation.
"""

from __future__ import annotations

from moto.rds.exceptions import RDSClientError as RdsError

__all__ = ["RdsError", "bad_combination", "bad_value", "instance_state", "no_backup", "snapshot_state"]


def instance_state(name: str, status: str) -> RdsError:
    return RdsError("InvalidDBInstanceState", f"Instance {name} is not in available state, but {status}.")


def snapshot_state(name: str, status: str) -> RdsError:
    return RdsError("InvalidDBSnapshotState", f"DB snapshot {name} is not in available state, but {status}.")


def bad_value(message: str) -> RdsError:
    return RdsError("InvalidParameterValue", message)


def bad_combination(message: str) -> RdsError:
    return RdsError("InvalidParameterCombination", message)


def no_backup(name: str) -> RdsError:
    return RdsError("DBInstanceAutomatedBackupNotFound", f"There is no automated backup of {name}.")
