"""A region is lost, two regions lose one another, an availability zone is lost. On the embedded cloud."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drillbook.aws.faults.failure_domain import FailureDomain, region_of
from drillbook.aws.session import session_of
from drillbook.embedded.domains import Failures
from drillbook.errors import UsageError
from drillbook.events import Json
from drillbook.fault import Settings as FaultSettings

if TYPE_CHECKING:
    from drillbook.world import World

_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]")


class RegionDarkSettings(FaultSettings):
    region: str


class RegionDark:
    """Nothing in the region answers and nothing there runs; what it has stored is there again when it is restored."""

    Settings = RegionDarkSettings

    def __init__(self, world: World, settings: RegionDarkSettings) -> None:
        self._region = region_of(world, settings.region)
        broken = Failures(regions=frozenset({self._region}))
        self._domain = FailureDomain(world, "lose a region", broken, self._region)
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"lose the region {self._region}"

    def touches(self) -> list[str]:
        return self._domain.touches()

    def capture(self) -> Json:
        return self._domain.capture()

    def apply(self, _: Json) -> None:
        self._domain.break_it()

    def observe(self, _: Json) -> bool:
        """Does a client's call to the region stay without an answer?"""
        return self._domain.knock(self._region).status is None

    def restore(self, _: Json) -> None:
        self._domain.mend()

    def restored(self, _: Json) -> bool:
        return not self._domain.is_broken() and self._domain.knock(self._region).status == 200


class RegionPartitionedSettings(FaultSettings):
    """``region`` and ``other`` no longer reach one another; clients still reach both."""

    region: str
    other: str


class RegionPartitioned:
    """Replication between two regions stops, and what runs in one does not reach the other."""

    Settings = RegionPartitionedSettings

    def __init__(self, world: World, settings: RegionPartitionedSettings) -> None:
        self._pair = region_of(world, settings.region), region_of(world, settings.other)
        if len(set(self._pair)) == 1:
            raise UsageError(f"{self._pair[0]} cannot be parted from itself", do="name two regions")
        broken = Failures(partitions=frozenset({frozenset(self._pair)}))
        self._domain = FailureDomain(world, "part regions", broken, "|".join(sorted(self._pair)))
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"cut the link between {' and '.join(self._pair)}"

    def touches(self) -> list[str]:
        return self._domain.touches()

    def capture(self) -> Json:
        return self._domain.capture()

    def apply(self, _: Json) -> None:
        self._domain.break_it()

    def observe(self, _: Json) -> bool:
        """Does a call from one to the other stay without an answer, while clients get theirs?"""
        one, other = self._pair
        return self._domain.knock(other, origin=one).status is None and self._domain.knock(other).status == 200

    def restore(self, _: Json) -> None:
        self._domain.mend()

    def restored(self, _: Json) -> bool:
        one, other = self._pair
        return not self._domain.is_broken() and self._domain.knock(other, origin=one).status == 200


class ZoneDarkSettings(FaultSettings):
    """``zone`` as in ``us-east-1a``."""

    zone: str


class ZoneDark:
    """What runs in one availability zone dies: database instances there, not the region's APIs."""

    Settings = ZoneDarkSettings

    def __init__(self, world: World, settings: ZoneDarkSettings) -> None:
        self._zone = world.fill(settings.zone)
        named = _ZONE.fullmatch(self._zone)
        if named is None:
            raise UsageError(f"{self._zone!r} is no availability zone", do="name one, such as us-east-1a")
        region_of(world, named[1])
        self._domain = FailureDomain(world, "lose a zone", Failures(zones=frozenset({self._zone})), self._zone)
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"lose the availability zone {self._zone}"

    def touches(self) -> list[str]:
        return self._domain.touches()

    def capture(self) -> Json:
        return self._domain.capture()

    def apply(self, _: Json) -> None:
        self._domain.break_it()

    def observe(self, _: Json) -> bool:
        """Does the cloud say so? It does when all that ran there has ended; no API shows a zone from outside."""
        return self._domain.is_broken()

    def restore(self, _: Json) -> None:
        self._domain.mend()

    def restored(self, _: Json) -> bool:
        return not self._domain.is_broken()
