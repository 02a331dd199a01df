"""What RDS calls its things, and how a recovery looks at one and waits for it.

botocore's own waiters are not used: they give up after 30 minutes, and restores of large databases take longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

RESTORE_PATIENCE = 4 * 3600.0
"""Seconds. Restores of clusters take 20 to 75 minutes, and longer for large or long unused data."""
POLL = 5.0
"""AWS seconds between two looks."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing in RDS: the names that its API has for it."""

    noun: str
    describe: str
    listed: str
    name: str
    status: str
    arn: str
    part: str
    """What stands before the name in its ARN."""
    delete: str
    without_final_snapshot: Mapping[str, bool]


_LAST = {"SkipFinalSnapshot": True}
INSTANCE = Kind(
    "instance", "describe_db_instances", "DBInstances", "DBInstanceIdentifier", "DBInstanceStatus", "DBInstanceArn",
    "db", "delete_db_instance", _LAST,
)  # fmt: skip
CLUSTER = Kind(
    "cluster", "describe_db_clusters", "DBClusters", "DBClusterIdentifier", "Status", "DBClusterArn",
    "cluster", "delete_db_cluster", _LAST,
)  # fmt: skip
SNAPSHOT = Kind(
    "snapshot", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier", "Status", "DBSnapshotArn",
    "snapshot", "delete_db_snapshot", {},
)  # fmt: skip
CLUSTER_SNAPSHOT = Kind(
    "cluster snapshot", "describe_db_cluster_snapshots", "DBClusterSnapshots", "DBClusterSnapshotIdentifier", "Status",
    "DBClusterSnapshotArn", "cluster-snapshot", "delete_db_cluster_snapshot", {},
)  # fmt: skip
GLOBAL = Kind(
    "global cluster", "describe_global_clusters", "GlobalClusters", "GlobalClusterIdentifier", "Status",
    "GlobalClusterArn", "global-cluster", "delete_global_cluster", {},
)  # fmt: skip

_BROKEN = frozenset({
    "failed", "restore-error", "incompatible-restore", "incompatible-network", "incompatible-parameters",
    "incompatible-option-group", "incompatible-credentials", "inaccessible-encryption-credentials",
    "insufficient-capacity", "cloning-failed", "migration-failed", "deleting",
})  # fmt: skip
"""Nothing of this becomes available by waiting.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status"""


def rds_of(world: World, region: str | None) -> Any:
    return session_of(world).client("rds", region)


def arn_of(world: World, region: str | None, kind: Kind, name: str) -> str:
    session = session_of(world)
    return f"arn:aws:rds:{region or session.region}:{session.account}:{kind.part}:{name}"


def look(rds: Any, kind: Kind, name: str) -> dict[str, Any] | None:
    """What RDS says of it; None if there is no such thing."""
    from botocore.exceptions import ClientError

    with calling(f"describe the {kind.noun} {name}"):
        try:
            found: list[dict[str, Any]] = getattr(rds, kind.describe)(**{kind.name: name})[kind.listed]
        except ClientError as error:
            if "NotFound" in code_of(error):
                return None
            raise
    return found[0] if found else None


def described(rds: Any, kind: Kind, name: str) -> dict[str, Any]:
    """What RDS says of it. Raises PermanentError with RDS's code if there is no such thing."""
    with calling(f"describe the {kind.noun} {name}"):
        found: list[dict[str, Any]] = getattr(rds, kind.describe)(**{kind.name: name})[kind.listed]
    if not found:
        raise PermanentError(f"there is no {kind.noun} {name}", do="check the name and the region")
    return found[0]


def is_available(world: World, kind: Kind, name: str, region: str | None = None) -> bool:
    found = look(rds_of(world, region), kind, name)
    return found is not None and found[kind.status] == "available"


def wait_until_available(
    world: World, kind: Kind, name: str, region: str | None = None, *, timeout: float = RESTORE_PATIENCE
) -> dict[str, Any]:
    """Wait until it can be used, and return what RDS says of it. ``timeout`` is seconds.

    Raises PermanentError if it is not there or will never be available, else WaitTimeout.
    """
    rds = rds_of(world, region)
    return wait_for(
        f"the {kind.noun} {name} becoming available",
        lambda: _unbroken(kind, name, described(rds, kind, name)),
        until=lambda found: found[kind.status] == "available",
        timeout=timeout,
        interval=POLL / world.speed,
        clock=world.clock,
        do=f"look at the events of the {kind.noun} in RDS; large databases take hours",
    )


def wait_until_unused(world: World, kind: Kind, name: str, region: str | None = None, *, timeout: float) -> None:
    """Wait until nothing is under way on it, whatever its state; what is not there is at rest."""
    rds = rds_of(world, region)
    wait_for(
        f"what is under way on the {kind.noun} {name} ending",
        lambda: (look(rds, kind, name) or {kind.status: "available"})[kind.status],
        until=lambda status: status in _BROKEN | {"available", "stopped"},
        timeout=timeout,
        interval=POLL / world.speed,
        clock=world.clock,
    )


def is_not_yet(code: str) -> bool:
    """Is this RDS's way to say that the thing is busy (``InvalidDBInstanceState``, ``InvalidDBClusterStateFault``)?"""
    return code.startswith("Invalid") and "State" in code


def tags_of(found: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found.get("TagList", [])}


def own_tags(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """The tags that its owner gave it: neither AWS's nor a drill's."""
    return [tag for tag in found.get("TagList", []) if not tag["Key"].startswith(("aws:", "drillbook-"))]


def _unbroken(kind: Kind, name: str, found: dict[str, Any]) -> dict[str, Any]:
    if found[kind.status] in _BROKEN:
        raise PermanentError(
            f"the {kind.noun} {name} is {found[kind.status]}",
            code=found[kind.status],
            do=f"see the events of the {kind.noun} in RDS, remove it, and begin again",
        )
    return found
