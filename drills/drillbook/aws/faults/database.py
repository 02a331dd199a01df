"""A database server crashes, hangs, or has no space left. On the embedded cloud: no API of AWS does this to RDS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from drillbook.aws.databases import ask_server, describe_instance
from drillbook.aws.faults.failure_domain import region_of
from drillbook.aws.session import session_of
from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.errors import FaultError, TargetError, UsageError
from drillbook.events import Json
from drillbook.fault import Settings as FaultSettings

if TYPE_CHECKING:
    from drillbook.world import World


class DatabaseFaultSettings(FaultSettings):
    """``database`` is a DB instance's identifier."""

    database: str
    region: str | None = None


class DatabaseFault:
    """Something happens to the server of a DB instance. Raises UsageError when made on another target."""

    Settings = DatabaseFaultSettings
    fault: ClassVar[str]
    """What the embedded cloud calls it."""
    what: ClassVar[str]

    def __init__(self, world: World, settings: DatabaseFaultSettings) -> None:
        if world.target != "embedded":
            raise UsageError(
                f"only the embedded cloud can {self.what} a database; this drill runs on {world.target}",
                do="run it with --target embedded",
            )
        self._world, self._session = world, session_of(world)
        self._name = world.fill(settings.database)
        self._region = region_of(world, settings.region) if settings.region else self._session.region
        self._rds = self._session.client("rds", self._region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"{self.what} the database {self._name}"

    def touches(self) -> list[str]:
        return [f"arn:aws:rds:{self._region}:{self._session.account}:db:{self._name}"]

    def capture(self) -> Json:
        """Where its primary is. Raises FaultError if it is broken already: then nothing would be injected."""
        instance = describe_instance(self._rds, self._name)
        if self._now() != "none" or ask_server(instance) != "answers":
            raise FaultError(f"{self._name} does not work as it is", do="mend it: drillbook heal")
        return {"zone": instance["AvailabilityZone"]}

    def apply(self, _: Json) -> None:
        self._become(self.fault)

    def observe(self, before: Json) -> bool:
        """Does the server not answer, or has the instance failed over because it did not?"""
        instance = describe_instance(self._rds, self._name)
        return ask_server(instance) != "answers" or instance["AvailabilityZone"] != before["zone"]

    def restore(self, _: Json) -> None:
        """An instance that has been deleted has nothing of this fault left."""
        if self._now() == self.fault:
            self._become("none")

    def restored(self, _: Json) -> bool:
        return self._now() != self.fault

    def _become(self, fault: str) -> None:
        process.command(self._cloud, "databases", {"region": self._region, "id": self._name, "fault": fault})

    def _now(self) -> str:
        """The fault that the cloud itself knows of."""
        faults = process.status(self._cloud)["planes"]["rds"]["faults"]
        return str(faults.get(f"{self._region}/{self._name}", "none"))

    @property
    def _cloud(self) -> Cloud:
        cloud = process.find(Path(str(self._world.address["state"])))
        if cloud is None or cloud.id != self._world.address["cloud"]:
            raise TargetError("the embedded cloud of this drill is gone", do="start the drill again")
        return cloud


class Crash(DatabaseFault):
    """The server dies at one instant, and its host with it: a Single-AZ instance stays down until it is restored, a
    Multi-AZ instance fails over by itself."""

    fault, what = "crash", "crash"


class Hang(DatabaseFault):
    """The server answers nothing any more and is not dead. A Multi-AZ instance fails over by itself."""

    fault, what = "hang", "hang"


class DiskFull(DatabaseFault):
    """No file of the server can grow any more: writes fail, and at the next full log the server ends."""

    fault, what = "disk-full", "fill the disk of"

    def observe(self, before: Json) -> bool:
        """As the cloud says: reads still work, and a login would be needed to try a write."""
        return self._now() == self.fault or super().observe(before)
