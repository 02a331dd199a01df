"""The server of an Aurora cluster's writer dies. On the embedded cloud; on AWS ``FailoverDBCluster`` comes nearest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.session import session_of
from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.errors import FaultError, TargetError, UsageError
from drillbook.events import Json
from drillbook.fault import Settings as FaultSettings

if TYPE_CHECKING:
    from drillbook.world import World


class WriterCrashSettings(FaultSettings):
    """``cluster`` by its identifier."""

    cluster: str
    region: str | None = None


class WriterCrash:
    """The process is gone at one instant; the storage volume is not. Aurora promotes a reader, or restarts the writer.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html
    """

    Settings = WriterCrashSettings

    def __init__(self, world: World, settings: WriterCrashSettings) -> None:
        if world.target != "embedded":
            raise UsageError(
                f"only the embedded cloud can crash a cluster's writer; this drill runs on {world.target}",
                do="run it with --target embedded",
            )
        self._world, self._session = world, session_of(world)
        self._cluster = world.fill(settings.cluster)
        self._rds = self._session.client("rds", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"crash the writer of the cluster {self._cluster}"

    def touches(self) -> list[str]:
        return [str(self._described()["DBClusterArn"])]

    def capture(self) -> Json:
        """How often it has crashed before. Raises FaultError if it has no writer that could crash."""
        if not any(one["IsClusterWriter"] for one in self._described()["DBClusterMembers"]):
            raise FaultError(f"the cluster {self._cluster} has no writer", do="create an instance in it")
        return {"crashes": self._crashes()}

    def apply(self, _: Json) -> None:
        said = {"region": self._rds.meta.region_name, "id": self._cluster, "fault": "crash"}
        process.command(self._cloud, "clusters", said)

    def observe(self, captured: Json) -> bool:
        """Has it crashed since?"""
        return self._crashes() > int(captured["crashes"])

    def restore(self, _: Json) -> None:
        """Nothing is left to do: Aurora recovers by itself."""

    def restored(self, _: Json) -> bool:
        found = self._described()
        return found["Status"] == "available" and any(one["IsClusterWriter"] for one in found["DBClusterMembers"])

    def _described(self) -> dict[str, Any]:
        with calling(f"describe the cluster {self._cluster}"):
            return dict(self._rds.describe_db_clusters(DBClusterIdentifier=self._cluster)["DBClusters"][0])

    def _crashes(self) -> int:
        return int(process.status(self._cloud)["planes"]["aurora"]["crashes"].get(self._cluster, 0))

    @property
    def _cloud(self) -> Cloud:
        cloud = process.find(Path(str(self._world.address["state"])))
        if cloud is None or cloud.id != self._world.address["cloud"]:
            raise TargetError("the embedded cloud of this drill is gone", do="start the drill again")
        return cloud
