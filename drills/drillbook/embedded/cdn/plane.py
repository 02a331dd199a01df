"""CloudFront: distributions as HTTP front doors, over S3 and custom origins, by ``<id>.cloudfront.net`` or an alias.

Edges outlive any region, as on AWS. Not emulated: TLS (viewer protocol policies are not enforced), geographic
restrictions, signed URLs, functions at the edge, cache policies of one's own, web ACLs, several edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any
from unittest import mock

from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.cdn.backend import TrueDistribution, TrueInvalidation
    from drillbook.embedded.cdn.edge import Edge

_OWN = ".cloudfront.net"
_METRICS_REGION = "us-east-1"
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html"""


def plane() -> Cdn:
    return Cdn()


class Cdn:
    """Takes moto's place when installed and gives it back when closed. Distributions that exist then are lost."""

    name = "cdn"
    service = "cloudfront-edge"
    cloud: CloudState
    edge: Edge

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._requests = 0

    def install(self, cloud: CloudState) -> None:
        from drillbook.embedded.cdn.cache import Cache
        from drillbook.embedded.cdn.edge import Edge
        from drillbook.embedded.cdn.origin import Origins
        from drillbook.embedded.dns.plane import names_of

        self.cloud = cloud
        self.edge = Edge(cloud, Origins(cloud, names_of(cloud)), Cache())
        self._patch()

    def _patch(self) -> None:
        from moto.cloudfront import models
        from moto.cloudfront.responses import CloudFrontResponse

        from drillbook.embedded.cdn import backend

        backend.TrueDistribution.cloud = self.cloud
        replacements: tuple[AbstractContextManager[Any], ...] = (
            mock.patch.object(models.cloudfront_backends, "backend", backend.TrueCloudFront),
            mock.patch.object(models, "Distribution", backend.TrueDistribution),
            mock.patch.object(models, "DistributionConfig", backend.TrueConfig),
            mock.patch.object(models, "Invalidation", backend.TrueInvalidation),
            *(
                mock.patch.object(CloudFrontResponse, name, backend.consistent(getattr(CloudFrontResponse, name)))
                for name in (
                    "create_distribution",
                    "create_distribution_with_tags",
                    "update_distribution",
                    "create_invalidation",
                )
            ),
            *(
                mock.patch.object(CloudFrontResponse, name, backend.holding(getattr(CloudFrontResponse, name), due))
                for name, due in (("get_distribution", _deployed_at), ("get_invalidation", _invalidated_at))
            ),
        )
        for replaced in replacements:
            self._undo.enter_context(replaced)
        models.cloudfront_backends.clear()
        self._undo.callback(models.cloudfront_backends.clear)

    def status(self) -> dict[str, Json]:
        distributions = list(_distributions())
        return {"distributions": len(distributions), "requests": self._requests, "kept": len(self.edge.cache)}

    def close(self) -> None:
        self._undo.close()

    def matches(self, environ: dict[str, Any]) -> bool:
        from drillbook.embedded.cdn.message import host_of

        host = host_of(environ)
        return host.endswith(_OWN) or (not host[-1:].isdigit() and _by_host(host) is not None)

    def region(self, environ: dict[str, Any]) -> str | None:  # noqa: ARG002 - the protocol's
        """Edges are everywhere."""
        return None

    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]:
        from drillbook.embedded.cdn.message import from_wsgi, to_wsgi

        request = from_wsgi(environ)
        distribution = _by_host(request.host)
        if distribution is not None:
            self._evict(distribution)
        name = str(distribution.distribution_id) if distribution else ""
        answer = self.edge.answer(request, distribution.site if distribution else None, name)
        self._requests += 1
        if distribution is not None:
            self._count(distribution, answer.status)
        return to_wsgi(answer, start_response)

    def _evict(self, distribution: TrueDistribution) -> None:
        """Forget what invalidations that are completed now name: nobody has looked since."""
        for one in _invalidations(distribution):
            if not one.evicted and one.status == "Completed":
                self.edge.cache.evict(str(distribution.distribution_id), one.paths)
                one.evicted = True

    def _count(self, distribution: TrueDistribution, status: int) -> None:
        from drillbook.embedded.metrics.store import Series, dimensions, store_of

        account = distribution.arn.split(":")[4]
        whose = dimensions({"DistributionId": str(distribution.distribution_id), "Region": "Global"})
        metrics = {
            "Requests": 1.0,
            "4xxErrorRate": 100.0 * (400 <= status < 500),
            "5xxErrorRate": 100.0 * (status >= 500),
            "TotalErrorRate": 100.0 * (status >= 400),
        }
        now = self.cloud.clock.now().timestamp()
        for name, value in metrics.items():
            store_of(self.cloud).record(Series(account, _METRICS_REGION, "AWS/CloudFront", name, whose), now, [value])


def _by_host(host: str) -> TrueDistribution | None:
    for distribution in _distributions():
        site = distribution.site or distribution.configured
        if host == distribution.domain_name or host in site.aliases:
            return distribution
    return None


def _distributions() -> Iterator[TrueDistribution]:
    from moto.cloudfront.models import cloudfront_backends

    from drillbook.embedded.cdn.backend import TrueDistribution

    for partitions in list(cloudfront_backends.values()):
        for backend in list(partitions.values()):
            yield from (one for one in list(backend.distributions.values()) if isinstance(one, TrueDistribution))


def _invalidations(distribution: TrueDistribution) -> list[TrueInvalidation]:
    from moto.cloudfront.models import cloudfront_backends

    from drillbook.embedded.cdn.backend import TrueInvalidation

    backends = list(cloudfront_backends[distribution.arn.split(":")[4]].values())
    known = [one for backend in backends for one in backend.invalidations.get(str(distribution.distribution_id)) or []]
    return [one for one in known if isinstance(one, TrueInvalidation)]


def _deployed_at(api: Any) -> tuple[CloudState, datetime] | None:
    found = api.backend.distributions.get(api._get_param("Id"))
    return (found.cloud, found.due) if found else None


def _invalidated_at(api: Any) -> tuple[CloudState, datetime] | None:
    known = api.backend.invalidations.get(api._get_param("DistributionId")) or []
    found = next((one for one in known if one.id == api._get_param("Id")), None)
    return (found.distribution.cloud, found.due) if found else None
