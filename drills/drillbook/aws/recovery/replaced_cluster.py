"""Delete a cluster that another one has replaced, once that other one is known to be good.

A runbook's last step is often ``delete-db-cluster --skip-final-snapshot`` on the only other copy of the data. Here
nothing is deleted before somebody has looked at the successor, and not without a snapshot, from which heal can make
the cluster again. https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery import cluster_instances, database_settings, database_snapshot
from drillbook.aws.recovery.cluster_instances import Shape
from drillbook.aws.recovery.database_kinds import (
    CLUSTER,
    CLUSTER_SNAPSHOT,
    INSTANCE,
    POLL,
    arn_of,
    described,
    look,
    rds_of,
    wait_until_available,
    wait_until_unused,
)
from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.made_database import DELETE_PATIENCE, delete
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.probe import Reading
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

Verify = Callable[[], Reading]
"""Looks at the successor. Only a reading that is ok lets the old cluster be deleted: unknown is not ok."""


class DeletedClusterSettings(Settings):
    cluster: str
    snapshot: str
    """Holds all that the cluster had."""
    region: str | None = None


class DeletedCluster:
    """Delete a cluster and its instances. Undoing makes it again, from the snapshot, with its name and settings."""

    Settings = DeletedClusterSettings

    def __init__(self, world: World, settings: DeletedClusterSettings) -> None:
        self._world, self._settings = world, settings
        self._rds = rds_of(world, settings.region)
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"delete the cluster {self._settings.cluster}, of which {self._settings.snapshot} is kept"

    def touches(self) -> list[str]:
        return [arn_of(self._world, self._settings.region, CLUSTER, self._settings.cluster)]

    def capture(self) -> Json:
        cluster = described(self._rds, CLUSTER, self._settings.cluster)
        return {
            "parameters": database_settings.of_cluster(cluster),
            "tags": cluster.get("TagList", []),
            "instances": [_told(self._rds, one["DBInstanceIdentifier"]) for one in _ordered(cluster)],
        }

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        cluster = self._settings.cluster
        wait_for(
            f"deleting the cluster {cluster}",
            lambda: delete(self._rds, CLUSTER, cluster),
            timeout=DELETE_PATIENCE,
            interval=POLL / self._world.speed,
            clock=self._world.clock,
        )

    def restore(self, before: Json) -> None:
        self._let_deletion_end()
        if look(self._rds, CLUSTER, self._settings.cluster) is None:
            self._bring_back(before)
        wait_until_available(self._world, CLUSTER, self._settings.cluster, self._settings.region)
        for instance in before["instances"]:
            if look(self._rds, INSTANCE, instance["DBInstanceIdentifier"]) is None:
                self._bring_back_instance(instance)
        for instance in before["instances"]:
            wait_until_available(self._world, INSTANCE, instance["DBInstanceIdentifier"], self._settings.region)

    def restored(self, before: Json) -> bool:
        found = look(self._rds, CLUSTER, self._settings.cluster)
        if found is None or found["Status"] != "available":
            return False
        present = {one["DBInstanceIdentifier"] for one in found["DBClusterMembers"]}
        return present >= {one["DBInstanceIdentifier"] for one in before["instances"]}

    def _let_deletion_end(self) -> None:
        found = look(self._rds, CLUSTER, self._settings.cluster)
        members = [one["DBInstanceIdentifier"] for one in (found or {}).get("DBClusterMembers", [])]
        for kind, name in [*((INSTANCE, member) for member in members), (CLUSTER, self._settings.cluster)]:
            wait_for(
                f"the deletion of {name} ending",
                lambda kind=kind, name=name: (look(self._rds, kind, name) or {}).get(kind.status) != "deleting",  # type: ignore[misc]
                timeout=DELETE_PATIENCE,
                interval=POLL / self._world.speed,
                clock=self._world.clock,
            )

    def _bring_back(self, before: Json) -> None:
        with calling(f"make the cluster {self._settings.cluster} again"):
            snapshot = described(self._rds, CLUSTER_SNAPSHOT, self._settings.snapshot)
            self._rds.restore_db_cluster_from_snapshot(
                DBClusterIdentifier=self._settings.cluster,
                SnapshotIdentifier=self._settings.snapshot,
                Engine=snapshot["Engine"],
                EngineVersion=snapshot["EngineVersion"],
                Tags=before["tags"],
                **before["parameters"],
            )

    def _bring_back_instance(self, instance: Json) -> None:
        with calling(f"make the instance {instance['DBInstanceIdentifier']} again"):
            self._rds.create_db_instance(DBClusterIdentifier=self._settings.cluster, **instance)


def delete_replaced(
    world: World,
    cluster: str,
    successor: str,
    verify: Verify,
    region: str | None = None,
    *,
    snapshot: str = "",
    protected: bool = False,
) -> None:
    """Delete ``cluster``, which ``successor`` has replaced; a snapshot of it is taken first. Again is once.

    ``verify`` looks at the successor; ``snapshot`` defaults to ``<cluster>-last``. Raises PermanentError, before
    anything is touched, unless the successor has an available writer and ``verify`` says ok, or if ``cluster`` has
    deletion protection and ``protected`` is not set.
    """
    rds, name = rds_of(world, region), snapshot or f"{cluster}-last"
    _refuse_unverified(world, cluster, successor, verify, region)
    if (found := look(rds, CLUSTER, cluster)) is None:
        return
    if found.get("DeletionProtection") and not protected:
        raise PermanentError(
            f"the cluster {cluster} is protected against deletion",
            code="InvalidParameterCombination",
            do="say protected=True in the plan if it may go all the same",
        )
    if found["Status"] != "deleting":
        wait_until_unused(world, CLUSTER, cluster, region, timeout=DELETE_PATIENCE)
        database_snapshot.take(world, CLUSTER, cluster, name, region)
        wait_until_unused(world, CLUSTER, cluster, region, timeout=DELETE_PATIENCE)
    make(world, DeletedCluster, DeletedClusterSettings(cluster=cluster, snapshot=name, region=region))


def _refuse_unverified(world: World, cluster: str, successor: str, verify: Verify, region: str | None) -> None:
    if cluster == successor:
        raise PermanentError(f"{cluster} cannot replace itself", do="name the cluster that is served now")
    if not cluster_instances.is_served(world, successor, region):
        raise PermanentError(f"{successor} has no available writer, so {cluster} stays", do="repair the successor")
    reading = verify()
    if reading.ok is not True:
        raise PermanentError(
            f"{successor} is not known to be good ({reading}), so {cluster} stays", do="validate the successor first"
        )


def _ordered(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    """The writer first: the first instance that is made becomes the writer."""
    return sorted(cluster["DBClusterMembers"], key=lambda one: not one["IsClusterWriter"])


def _told(rds: Any, name: str) -> dict[str, Json]:
    """The instance as parameters of CreateDBInstance."""
    found = described(rds, INSTANCE, name)
    like: Shape = cluster_instances.shape_of(found)
    named = {"DBInstanceIdentifier": name, "Engine": found["Engine"], "Tags": found.get("TagList", [])}
    return named | like.parameters
