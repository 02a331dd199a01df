"""What the faults of whole regions, zones, links and services have in common: the embedded cloud is told to fail there.

On AWS nobody outside AWS can do this, so these faults are for the target ``embedded`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.aws.session import session_of
from drillbook.embedded import process
from drillbook.embedded.addresses import REGIONS
from drillbook.embedded.domains import Failures
from drillbook.embedded.knock import Knock, knock
from drillbook.embedded.process import Cloud
from drillbook.errors import FaultError, Refused, TargetError, UsageError
from drillbook.events import Json
from drillbook.fault import EMULATED
from drillbook.service_yaml import nearest

if TYPE_CHECKING:
    from drillbook.world import World


@dataclass(frozen=True)
class FailureDomain:
    """Part of the world's embedded cloud. Raises UsageError when made on another target."""

    world: World
    what: str
    """What is broken there, for people."""
    broken: Failures
    """That alone."""
    name: str
    """Of the blast radius: ``us-east-1``."""

    def __post_init__(self) -> None:
        if self.world.target != "embedded":
            raise UsageError(
                f"only the embedded cloud can {self.what}; this drill runs on {self.world.target}",
                do="run it with --target embedded",
            )

    def touches(self) -> list[str]:
        return [EMULATED + self.name]

    def capture(self) -> Json:
        """Nothing of value is lost. Raises FaultError if it is broken already: then nothing would be injected."""
        if self.is_broken():
            raise FaultError(
                f"somebody else broke {self.name} before", do="mend it: drillbook heal, or drillbook cloud mend"
            )
        return None

    def break_it(self) -> None:
        process.break_also(self._cloud, self.broken)

    def mend(self) -> None:
        process.mend(self._cloud, self.broken)

    def is_broken(self) -> bool:
        """Is any part of it broken, as the cloud itself says?"""
        now = process.failures(self._cloud)
        return now.without(self.broken) != now

    def knock(self, region: str, service: str = "sts", origin: str = "") -> Knock:
        """A client's request. Raises TargetError if the cloud itself is gone, which is no outage of a region."""
        said = knock(self._cloud.endpoint, region, service, self.world.clock, origin=origin)
        if said.status is None:
            process.status(self._cloud)
        return said

    @property
    def _cloud(self) -> Cloud:
        cloud = process.find(Path(str(self.world.address["state"])))
        if cloud is None or cloud.id != self.world.address["cloud"]:
            raise TargetError("the embedded cloud of this drill is gone", do="start the drill again")
        return cloud


def region_of(world: World, template: str) -> str:
    """A region by its template. Raises UsageError if there is none, Refused if the service is not there."""
    region = world.fill(template)
    if region not in REGIONS:
        raise UsageError(f"there is no region {region!r}", do=nearest(region, REGIONS))
    allowed = session_of(world).regions
    if allowed and region not in allowed:
        raise Refused(
            "region",
            f"{region} is not a region of this service ({', '.join(sorted(allowed))})",
            do="add it under regions in service.yaml if the drill may touch it",
        )
    return region
