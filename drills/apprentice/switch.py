"""The switch of the failover: an object in the standby region, which a health check of Route 53 looks for.

Everything that it needs answers while us-east-1 is dark: S3 of the standby region, and health checkers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery.journalled import journal_of
from drillbook.aws.recovery.setting import Setting
from drillbook.aws.session import acting
from drillbook.events import Json
from drillbook.fault import Settings

from .names import AWAY, SWITCH, artifacts_of

if TYPE_CHECKING:
    from drillbook.world import World

FACTORY = "switch.py:Switch"
WHY = b"The standby serves. Remove this object when the primary region has its data back.\n"


class SwitchSettings(Settings):
    thrown: bool
    region: str = AWAY


class Switch(Setting[SwitchSettings]):
    """Throw the switch, or take it back."""

    Settings = SwitchSettings
    service = "s3"

    def describe(self) -> str:
        return "let the standby serve" if self.settings.thrown else "let the primary region serve"

    def touches(self) -> list[str]:
        return [f"arn:aws:s3:::{artifacts_of(AWAY)}/{SWITCH}"]

    def read(self) -> Json:
        listed = self.client.list_objects_v2(Bucket=artifacts_of(AWAY), Prefix=SWITCH)
        return SWITCH in [each["Key"] for each in listed.get("Contents", [])]

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return self.settings.thrown

    def write(self, state: Json) -> None:
        """Health checkers have no credentials, so the object can be read by anybody."""
        place = {"Bucket": artifacts_of(AWAY), "Key": SWITCH}
        if state:
            self.client.put_object(**place, Body=WHY, ACL="public-read")
        else:
            self.client.delete_object(**place)


def throw(world: World) -> None:
    """The standby serves from now on, also when the primary region comes back. Twice is once."""
    _set(world, thrown=True)


def take_back(world: World) -> None:
    """The primary region serves as soon as it is healthy. Twice is once."""
    _set(world, thrown=False)


def is_thrown(world: World) -> bool:
    return bool(Switch(world, SwitchSettings(thrown=True)).capture())


def _set(world: World, *, thrown: bool) -> None:
    settings = SwitchSettings(thrown=thrown)
    change = Switch(world, settings)
    if not change.is_done():
        with acting("recovery"):
            journal_of(world).carry_out(change, factory=FACTORY, settings=settings.model_dump(), world=world)
