"""The errors of Aurora's API that moto does not have, by their codes.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html and the page of each operation.
"""

from __future__ import annotations

from moto.rds.exceptions import InvalidDBClusterStateFault, InvalidParameterCombination, InvalidParameterValue
from moto.rds.exceptions import RDSClientError as RdsError

__all__ = [
    "InvalidDBClusterStateFault",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "automated_backup_not_found",
    "cluster_exists",
    "global_cluster_exists",
    "global_cluster_not_found",
    "instance_state",
    "invalid_global_state",
    "invalid_restore",
]


def cluster_exists(name: str) -> RdsError:
    return RdsError("DBClusterAlreadyExistsFault", f"DB Cluster already exists: {name}")


def global_cluster_exists(name: str) -> RdsError:
    return RdsError("GlobalClusterAlreadyExistsFault", f"Global cluster already exists: {name}")


def global_cluster_not_found(name: str) -> RdsError:
    return RdsError("GlobalClusterNotFoundFault", f"Global cluster {name} not found")


def invalid_global_state(message: str) -> RdsError:
    return RdsError("InvalidGlobalClusterStateFault", message)


def invalid_restore(message: str) -> RdsError:
    return RdsError("InvalidRestoreFault", message)


def instance_state(name: str, status: str) -> RdsError:
    return RdsError("InvalidDBInstanceState", f"Instance {name} is in {status} state, not available.")


def automated_backup_not_found(name: str) -> RdsError:
    return RdsError("DBClusterAutomatedBackupNotFoundFault", f"The automated backup of cluster {name} was not found.")
