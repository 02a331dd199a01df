"""Where a request comes from and whose regions it needs: told by its signature, its address, or what it is about.

Sources: "Elements of an AWS API request signature", the credential scope
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html); "Global services"
(https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable
from urllib.parse import unquote

from drillbook.embedded.addresses import region_of_key
from drillbook.embedded.domains import Failures
from drillbook.embedded.serving import REGION

HOMES = {
    "account": "us-east-1",
    "cloudfront": "us-east-1",
    "iam": "us-east-1",
    "organizations": "us-east-1",
    "route53": "us-east-1",
    "route53domains": "us-east-1",
    "shield": "us-east-1",
    "globalaccelerator": "us-west-2",
    "networkmanager": "us-west-2",
    "route53-recovery-control-config": "us-west-2",
}
"""Global services and the one region of their control plane. STS is regional."""
_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_BUCKET_HOST = re.compile(r"(.+)\.s3[.-]", re.IGNORECASE)


@runtime_checkable
class Located(Protocol):
    """A door that knows which region answers a request that it matches."""

    service: str
    """As in a service fault: ``execute-api``."""

    def region(self, environ: dict[str, Any]) -> str | None:
        """None if it is nobody's, or the whole world's."""
        ...


@dataclass(frozen=True)
class Journey:
    """``origins``: where the request sets out or enters; ``regions``: which must answer. Often neither is known."""

    origins: frozenset[str]
    regions: frozenset[str]
    service: str = ""

    def possible(self, failures: Failures) -> bool:
        """Do all these regions live, and reach one another?"""
        if any(failures.dark(region) for region in self.origins | self.regions):
            return False
        return all(failures.linked(one, other) for one in self.origins for other in self.regions)


def journey(environ: dict[str, Any], doors: Sequence[Any]) -> Journey:
    """The journey of a request of which only the head is known."""
    entered = environ.get(REGION)
    origins = {entered} if entered else set()
    for door in doors:
        if isinstance(door, Located) and door.matches(environ):  # type: ignore[attr-defined]
            there = door.region(environ)
            return Journey(frozenset(origins), frozenset({there} if there else ()), door.service)
    key, region, service = _signature(environ)
    if origin := region_of_key(key):
        origins.add(origin)
    regions = {HOMES.get(service, region)} if region else set()
    if service in ("", "s3"):
        regions = set(_bucket_regions(environ)) or regions
    return Journey(frozenset(origins), frozenset(regions), service)


def is_of_function(environ: dict[str, Any]) -> bool:
    """Does a function's sandbox ask this?"""
    return region_of_key(_signature(environ)[0]) is not None


def _signature(environ: dict[str, Any]) -> tuple[str, str, str]:
    """Access key, region and service of a signed or presigned request; empty for any other."""
    signed = environ.get("HTTP_AUTHORIZATION", "")
    presigned = unquote(environ.get("QUERY_STRING", "")) if "X-Amz-Credential" in environ["QUERY_STRING"] else ""
    found = _SCOPE.search(signed) or _SCOPE.search(presigned)
    return (found[1], found[2], found[3]) if found else ("", "", "")


def _bucket_regions(environ: dict[str, Any]) -> Iterator[str]:
    """Of the bucket a request is for, and of the one it copies from: they are where they are, whatever is signed."""
    from moto.s3.models import s3_backends

    named = set(_buckets(environ))
    for account in list(s3_backends.values()):
        for backend in list(account.values()):
            yield from (str(backend.buckets[name].region_name) for name in named if name in backend.buckets)


def _buckets(environ: dict[str, Any]) -> Iterable[str]:
    if by_host := _BUCKET_HOST.match(environ.get("HTTP_HOST", "")):
        yield by_host[1]
    else:
        yield str(environ["PATH_INFO"]).lstrip("/").partition("/")[0]
    yield unquote(environ.get("HTTP_X_AMZ_COPY_SOURCE", "")).lstrip("/").partition("/")[0]
