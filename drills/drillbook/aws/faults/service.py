"""One service of one region is unavailable, throttles, or is slow. On the embedded cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from drillbook.aws.faults.failure_domain import FailureDomain, region_of
from drillbook.aws.session import session_of
from drillbook.embedded.domains import Failures, Kind, ServiceFault
from drillbook.embedded.knock import Knock
from drillbook.events import Json
from drillbook.fault import Settings as FaultSettings
from drillbook.units import Duration, Share

if TYPE_CHECKING:
    from drillbook.world import World

_SIGNED_AS = {
    "cloudwatch": "monitoring",
    "elbv2": "elasticloadbalancing",
    "ses": "email",
    "stepfunctions": "states",
}
"""Services whose requests are signed with another name than boto3's (botocore: ``signing_name``)."""
_KNOCKS = 20


class ServiceSettings(FaultSettings):
    """``service`` as boto3 calls it, or ``execute-api`` for what API Gateway serves. ``share`` of requests are hit."""

    service: str
    region: str = "{region}"
    share: Share = 1.0


class SlowSettings(ServiceSettings):
    """``seconds`` are real ones, whatever the cloud's speed."""

    seconds: Duration = Field(gt=0)


class _ServiceFails:
    """``kind`` says how. An instance is one service of one region."""

    kind: ClassVar[Kind]
    verb: ClassVar[str]

    def __init__(self, world: World, settings: ServiceSettings) -> None:
        self._region = region_of(world, settings.region)
        named = world.fill(settings.service)
        self._service = _SIGNED_AS.get(named, named)
        self._seconds = settings.seconds if isinstance(settings, SlowSettings) else 0.0
        fault = ServiceFault(self._region, self._service, self.kind, self._seconds, settings.share)
        broken = Failures(services=frozenset({fault}))
        self._domain = FailureDomain(world, "break a service", broken, f"{self._region}/{self._service}")
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"make {self._service} in {self._region} {self.verb}"

    def touches(self) -> list[str]:
        return self._domain.touches()

    def capture(self) -> Json:
        return self._domain.capture()

    def apply(self, _: Json) -> None:
        self._domain.break_it()

    def observe(self, _: Json) -> bool:
        """Is one of a few calls to the service hit?"""
        return any(self._is_hit(self._domain.knock(self._region, self._service)) for _ in range(_KNOCKS))

    def restore(self, _: Json) -> None:
        self._domain.mend()

    def restored(self, _: Json) -> bool:
        return not self._domain.is_broken()

    def _is_hit(self, knock: Knock) -> bool:
        if self.kind == "slow":
            return knock.status == 200 and knock.seconds >= self._seconds
        return knock.status != 200 and bool(knock.code)


class ServiceUnavailable(_ServiceFails):
    """Every call, or a share of them, answers 503 (some services: 500) with the service's own error."""

    Settings = ServiceSettings
    kind = "unavailable"
    verb = "unavailable"


class ServiceThrottled(_ServiceFails):
    """Every call, or a share of them, answers the service's throttling error."""

    Settings = ServiceSettings
    kind = "throttled"
    verb = "throttle"


class ServiceSlow(_ServiceFails):
    """Every call, or a share of them, is answered ``seconds`` later."""

    Settings = SlowSettings
    kind = "slow"
    verb = "slow"
