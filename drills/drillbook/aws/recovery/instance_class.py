"""Give a database a larger class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.setting import Setting
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 2 * 3600.0
"""A class is changed in 5 to 15 minutes, and later if a backup is being taken (AWS: "Modifying a DB instance")."""


class InstanceClassSettings(Settings):
    instance: str
    instance_class: str
    region: str | None = None


class InstanceClass(Setting[InstanceClassSettings]):
    """The class of a DB instance, changed at once: it is away for minutes, a Multi-AZ one for a failover."""

    Settings = InstanceClassSettings
    service = "rds"

    def describe(self) -> str:
        return f"make the database {self.settings.instance} a {self.settings.instance_class}"

    def touches(self) -> list[str]:
        return [self.arn("rds", f"db:{self.settings.instance}")]

    def read(self) -> Json:
        """The class it has, or is getting."""
        found = self._instance()
        return found.get("PendingModifiedValues", {}).get("DBInstanceClass") or found["DBInstanceClass"]

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return self.settings.instance_class

    def write(self, state: Json) -> None:
        self.client.modify_db_instance(
            DBInstanceIdentifier=self.settings.instance, DBInstanceClass=state, ApplyImmediately=True
        )
        self.wait(state)

    def wait(self, wanted: str) -> None:
        wait_for(
            f"the database {self.settings.instance} being a {wanted}",
            self._instance,
            until=lambda seen: (seen["DBInstanceStatus"], seen["DBInstanceClass"]) == ("available", wanted),
            timeout=PATIENCE,
            interval=5.0 / self.session.speed,
            clock=self.world.clock,
            do="look at the events of the database",
        )

    def _instance(self) -> dict[str, Any]:
        with calling(f"describe the database {self.settings.instance}"):
            answer = self.client.describe_db_instances(DBInstanceIdentifier=self.settings.instance)
        found: dict[str, Any] = answer["DBInstances"][0]
        return found


def resize(world: World, instance: str, instance_class: str, *, region: str | None = None) -> None:
    """Make the database ``instance`` a ``instance_class`` now, and wait, up to two hours. Clients are cut off."""
    settings = InstanceClassSettings(instance=instance, instance_class=instance_class, region=region)
    if not InstanceClass(world, settings).is_done():
        make(world, InstanceClass, settings)
    InstanceClass(world, settings).wait(instance_class)
