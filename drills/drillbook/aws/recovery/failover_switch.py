"""The failover switch: an object in the standby region that an inverted health check of Route 53 looks for.

While it is there, the primary record counts as unhealthy. Only S3 of the standby region is called: Route 53's records
and health checks cannot be changed while us-east-1 is lost
(https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.setting import Setting
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

_SAYS = b"While this object is here, customers are led away from the primary region.\n"


class FailoverSwitchSettings(Settings):
    bucket: str
    key: str
    thrown: bool
    public: bool = False
    region: str


class FailoverSwitch(Setting[FailoverSwitchSettings]):
    """Throw the switch, or take it back. Undoing does the other."""

    Settings = FailoverSwitchSettings
    service = "s3"

    def describe(self) -> str:
        settings = self.settings
        done = "throw" if settings.thrown else "take back"
        return f"{done} the failover switch {settings.key} in {settings.bucket}"

    def touches(self) -> list[str]:
        return [f"arn:aws:s3:::{self.settings.bucket}/{self.settings.key}"]

    def read(self) -> Json:
        found = self.client.list_objects_v2(Bucket=self.settings.bucket, Prefix=self.settings.key)
        return self.settings.key in [each["Key"] for each in found.get("Contents", [])]

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return self.settings.thrown

    def write(self, state: Json) -> None:
        place = {"Bucket": self.settings.bucket, "Key": self.settings.key}
        if state:
            seen_by = {"ACL": "public-read"} if self.settings.public else {}
            self.client.put_object(**place, Body=_SAYS, **seen_by)
        else:
            self.client.delete_object(**place)


def throw(world: World, bucket: str, key: str, *, region: str, public: bool = False) -> None:
    """Lead customers away from the primary region, also when it comes back. Twice is once.

    ``region`` is the bucket's. ``public``: give the object an ACL that lets anybody read it, as health checkers must,
    where no policy of the bucket does. Name servers follow when the health check has seen it often enough; resolvers
    after the time to live. Raises PermanentError if there is no such bucket.
    """
    _set(world, FailoverSwitchSettings(bucket=bucket, key=key, thrown=True, public=public, region=region))


def take_back(world: World, bucket: str, key: str, *, region: str) -> None:
    """The primary region serves as soon as it is healthy. Twice is once."""
    _set(world, FailoverSwitchSettings(bucket=bucket, key=key, thrown=False, region=region))


def is_thrown(world: World, bucket: str, key: str, *, region: str) -> bool:
    settings = FailoverSwitchSettings(bucket=bucket, key=key, thrown=True, region=region)
    return bool(FailoverSwitch(world, settings).capture())


def _set(world: World, settings: FailoverSwitchSettings) -> None:
    if not FailoverSwitch(world, settings).is_done():
        make(world, FailoverSwitch, settings)
