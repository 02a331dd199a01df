"""What the health checkers know, and whether a health check is healthy.

Source: "How Amazon Route 53 determines whether a health check is healthy"
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from moto.route53.models import HealthCheck

from drillbook.embedded.dns.check_settings import ENDPOINT_TYPES
from drillbook.embedded.dns.checker import Finding
from drillbook.embedded.dns.health_check import TrueHealthCheck
from drillbook.embedded.planes import CloudState

DEFAULT_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
"""Where a check is made from that names no regions: of AWS's eight, the three that AWS asks for at least."""
ENOUGH = 0.18
"""More than this share of the checkers must find an endpoint healthy."""
_DEEPEST = 8


@dataclass
class Checker:
    """What one checker has seen of one endpoint. It counts as healthy until there is enough data."""

    region: str
    healthy: bool = True
    streak: int = 0
    """How many findings in a row spoke against ``healthy``."""
    findings: int = 0
    """Since it was set up, or its region came back."""
    last: tuple[Finding, datetime] | None = None
    last_failure: tuple[Finding, datetime] | None = None

    def begin(self) -> None:
        """What it knew of the endpoint is of another time."""
        self.streak = self.findings = 0

    def note(self, finding: Finding, at: datetime, threshold: int) -> None:
        """``threshold`` findings in a row change the status, either way."""
        self.last = (finding, at)
        self.findings += 1
        if not finding.passed:
            self.last_failure = self.last
        self.streak = self.streak + 1 if finding.passed != self.healthy else 0
        if self.streak >= threshold:
            self.healthy, self.streak = finding.passed, 0


AlarmState = Callable[[str, str, str], str]
"""The state of the alarm of that account, region and name."""


@dataclass
class Health:
    """``find`` gives a health check by its id, with the account that it belongs to."""

    cloud: CloudState
    find: Callable[[str], tuple[str, HealthCheck] | None]
    alarm_state: AlarmState
    _checkers: dict[tuple[str, str], Checker] = field(default_factory=dict)
    _last_known: dict[str, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def healthy(self, check_id: str, depth: int = _DEEPEST) -> bool:
        """Is the health check healthy now? One that is no more counts as healthy, and so does a disabled one."""
        found = self.find(check_id)
        if found is None:
            return True
        account, check = found
        return self._sound(account, check, depth) != bool(check.inverted)

    def share(self, check: HealthCheck) -> float:
        """The share of the checkers that find the endpoint healthy; those of dark regions have no say."""
        checkers = self.voting(check)
        return sum(checker.healthy for checker in checkers) / len(checkers)

    def voting(self, check: HealthCheck) -> list[Checker]:
        """The living checkers that have looked as often as the threshold asks; all living ones, while none has."""
        living = self.living(check)
        return [one for one in living if one.findings >= int(check.failure_threshold or 0)] or living

    def living(self, check: HealthCheck) -> list[Checker]:
        """The checkers of regions that live; all of them, with what they saw last, if none lives."""
        dark = self.cloud.domains.now.dark
        checkers = [self.checker(check, region) for region in regions_of(check)]
        return [checker for checker in checkers if not dark(checker.region)] or checkers

    def checker(self, check: HealthCheck, region: str) -> Checker:
        with self._lock:
            return self._checkers.setdefault((check.id, region), Checker(region))

    def keep_only(self, ids: Iterable[str]) -> None:
        """Forget what belongs to checks that are no more."""
        wanted = set(ids)
        with self._lock:
            for key in [key for key in self._checkers if key[0] not in wanted]:
                del self._checkers[key]

    def healthy_children(self, check: HealthCheck, depth: int = _DEEPEST) -> int:
        return sum(self.healthy(child, depth - 1) for child in check.children or ())

    def _sound(self, account: str, check: HealthCheck, depth: int) -> bool:
        """Healthy, before it is inverted."""
        if check.disabled or depth <= 0:
            return True
        if check.type_ in ENDPOINT_TYPES:
            return self.share(check) > ENOUGH
        if check.type_ == "CALCULATED":
            return self.healthy_children(check, depth) >= int(check.health_threshold or 0)
        return self._alarm(account, check)

    def _alarm(self, account: str, check: HealthCheck) -> bool:
        assert isinstance(check, TrueHealthCheck), "moto's own has no alarm"
        alarm = check.alarm_identifier or {}
        state = self.alarm_state(account, alarm["Region"], alarm["Name"])
        if state == "INSUFFICIENT_DATA":
            fallback = {"Healthy": True, "Unhealthy": False}
            return fallback.get(check.insufficient_data, self._last_known.get(check.id, True))
        self._last_known[check.id] = state != "ALARM"
        return state != "ALARM"


def regions_of(check: HealthCheck) -> tuple[str, ...]:
    """Where the endpoint is checked from."""
    return tuple(check.regions or DEFAULT_REGIONS)
