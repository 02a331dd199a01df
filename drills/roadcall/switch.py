"""The failover switch: an object in us-west-2 that Route 53's health checkers look for.

While it is there, the primary record counts as unhealthy and customers are led to us-west-2. It is thrown by S3 of that
region alone: Route 53's own records and health checks cannot be changed while us-east-1 is lost (AWS: "AWS Fault
Isolation Boundaries", global services).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.setting import Setting
from drillbook.events import Json
from drillbook.fault import Settings

from .names import DR, SWITCH_KEY, switch_bucket

if TYPE_CHECKING:
    from drillbook.world import World


class SwitchSettings(Settings):
    thrown: bool
    region: str = DR


class FailoverSwitch(Setting[SwitchSettings]):
    """Throw the switch, or take it back. Undoing does the other."""

    Settings = SwitchSettings
    service = "s3"

    def describe(self) -> str:
        return f"lead customers to {DR if self.settings.thrown else 'the primary region'}"

    def touches(self) -> list[str]:
        return [f"arn:aws:s3:::{self._bucket}/{SWITCH_KEY}"]

    def read(self) -> Json:
        found = self.client.list_objects_v2(Bucket=self._bucket, Prefix=SWITCH_KEY)
        return bool(found.get("Contents"))

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return self.settings.thrown

    def write(self, state: Json) -> None:
        place = {"Bucket": self._bucket, "Key": SWITCH_KEY}
        if state:
            self.client.put_object(**place, Body=b"")
        else:
            self.client.delete_object(**place)

    @property
    def _bucket(self) -> str:
        return switch_bucket(self.session.account)


def set_switch(world: World, *, thrown: bool) -> None:
    """Name servers follow when the health check has seen it three times; resolvers after the time to live."""
    settings = SwitchSettings(thrown=thrown)
    if not FailoverSwitch(world, settings).is_done():
        make(world, FailoverSwitch, settings)


def is_thrown(world: World) -> bool:
    """Are customers led to us-west-2?"""
    return bool(FailoverSwitch(world, SwitchSettings(thrown=True)).capture())
