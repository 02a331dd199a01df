"""Route 53: hosted zones served by a DNS server, health checks made by checkers that go there.

Intervals, propagation and the patience of checkers are AWS's divided by the cloud's speed. The time to live in an
answer is the record's own, in AWS seconds: a resolver that lives in this world divides it by the speed
(``drillbook.web.resolver``). Name servers and checkers outlive any region, as on AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING
from unittest import mock

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from moto.route53.models import HealthCheck

    from drillbook.embedded.dns.answers import Names
    from drillbook.embedded.dns.backend import TrueRoute53
    from drillbook.embedded.dns.health import Health

_METRICS_REGION = "us-east-1"
"""Where Route 53's metrics are.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-cloudwatch.html"""
_MORE_PATHS = ("healthcheckcount", "testdnsanswer", r"healthcheck/(?P<health_check_id>[^/]+)/lastfailurereason")


def plane() -> Dns:
    return Dns()


class Dns:
    """Takes moto's place when installed and gives it back when closed. Zones that exist then are lost."""

    name = "dns"
    cloud: CloudState

    def __init__(self) -> None:
        self._undo = ExitStack()

    def install(self, cloud: CloudState) -> None:
        from drillbook.embedded.dns.checker import probe
        from drillbook.embedded.dns.rounds import Rounds
        from drillbook.embedded.dns.server import DnsServer

        self.cloud, self._names, self._health = cloud, names_of(cloud), health_of(cloud)
        self._rounds = Rounds(
            cloud,
            self._health,
            lambda: [check for _, check in _health_checks()],
            lambda check: probe(cloud, check, self._names.address),
            self._tell,
        )
        self._patch()
        self._server = DnsServer(self._names)
        self._undo.callback(self._server.close)
        self._rounds.start()
        self._undo.callback(self._rounds.close)

    def _patch(self) -> None:
        from moto.route53 import urls
        from moto.route53.models import FakeZone, route53_backends

        from drillbook.embedded.dns.api import TrueRoute53Api
        from drillbook.embedded.dns.backend import TrueRoute53
        from drillbook.embedded.dns.propagation import remembering

        TrueRoute53.cloud = self.cloud
        TrueRoute53Api.names, TrueRoute53Api.health, TrueRoute53Api.rounds = self._names, self._health, self._rounds
        paths = [*urls.url_paths, *(rf"{{0}}/(?P<api_version>[\d_-]+)/{path}$" for path in _MORE_PATHS)]
        for replaced in (
            mock.patch.object(route53_backends, "backend", TrueRoute53),
            mock.patch.dict(urls.url_paths, dict.fromkeys(paths, TrueRoute53Api.dispatch)),
            mock.patch.object(FakeZone, "add_rrset", remembering(self.cloud, FakeZone.add_rrset)),
            mock.patch.object(FakeZone, "delete_rrset", remembering(self.cloud, FakeZone.delete_rrset)),
        ):
            self._undo.enter_context(replaced)
        route53_backends.clear()
        self._undo.callback(route53_backends.clear)

    def status(self) -> dict[str, Json]:
        checks = _health_checks()
        return {
            "address": self._server.address,
            "zones": sum(len(backend.zones) for _, backend in _backends()),
            "answers": self._server.answered,
            "health_checks": {check.id: self._health.healthy(check.id) for _, check in checks},
            "probes": self._rounds.made,
            "fault": self._rounds.fault,
            "seconds": {"propagation": self.cloud.aws_seconds(durations.DNS_PROPAGATION)},
        }

    def close(self) -> None:
        self._undo.close()

    def _tell(self) -> None:
        """Count what Route 53 counts each minute.
        https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html"""
        from drillbook.embedded.dns.check_settings import ENDPOINT_TYPES
        from drillbook.embedded.metrics.store import Series, dimensions, store_of

        now, store = self.cloud.clock.now().timestamp(), store_of(self.cloud)
        for account, check in _health_checks():
            metrics = {"HealthCheckStatus": float(self._health.healthy(check.id))}
            if check.type_ in ENDPOINT_TYPES:
                metrics["HealthCheckPercentageHealthy"] = 100.0 * self._health.share(check)
            if check.type_ == "CALCULATED":
                metrics["ChildHealthCheckHealthyCount"] = float(self._health.healthy_children(check))
            whose = dimensions({"HealthCheckId": check.id})
            for name, value in metrics.items():
                store.record(Series(account, _METRICS_REGION, "AWS/Route53", name, whose), now, [value])


@cache
def names_of(cloud: CloudState) -> Names:
    """The name servers of a cloud, for all that resolves names inside it."""
    from drillbook.embedded.dns.answers import Names

    return Names(lambda: [zone for _, backend in _backends() for zone in backend.served()], health_of(cloud).healthy)


@cache
def health_of(cloud: CloudState) -> Health:
    from drillbook.embedded.dns.health import Health

    def find(check_id: str) -> tuple[str, HealthCheck] | None:
        return next(((account, check) for account, check in _health_checks() if check.id == check_id), None)

    return Health(cloud, find, _alarm_state)


def _alarm_state(account: str, region: str, name: str) -> str:
    from moto.cloudwatch.models import cloudwatch_backends

    alarm = cloudwatch_backends[account][region].alarms.get(name)
    return str(alarm.state_value) if alarm else "INSUFFICIENT_DATA"


def _health_checks() -> list[tuple[str, HealthCheck]]:
    return [(account, check) for account, backend in _backends() for check in list(backend.health_checks.values())]


def _backends() -> Iterator[tuple[str, TrueRoute53]]:
    from moto.route53.models import route53_backends

    from drillbook.embedded.dns.backend import TrueRoute53

    for account, partitions in list(route53_backends.items()):
        for backend in list(partitions.values()):
            if isinstance(backend, TrueRoute53):
                yield account, backend
