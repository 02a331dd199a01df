"""A distribution's configuration, as an edge reads it.

Source: "DistributionConfig" and its parts
(https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

_DAY, _YEAR = 86400.0, 31536000.0
_ERROR_TTL = 10.0
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html"""


@dataclass(frozen=True)
class Caching:
    """How long objects are kept, in AWS seconds, and whether the query string tells them apart."""

    least: float
    default: float
    most: float
    by_query: bool = False


POLICIES = {
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": Caching(0, 0, 0),  # CachingDisabled
    "658327ea-f89d-4fab-a63d-7e88639e58f6": Caching(1, _DAY, _YEAR),  # CachingOptimized
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": Caching(1, _DAY, _YEAR),  # CachingOptimizedForUncompressedObjects
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": Caching(0, 0, _YEAR),  # UseOriginCacheControlHeaders
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": Caching(0, 0, _YEAR, by_query=True),  # … with the query string
}
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html"""
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html"""


@dataclass(frozen=True)
class Source:
    """One origin. Times in AWS seconds."""

    id: str
    host: str
    path: str
    s3: bool
    signed: bool
    port: int
    tls: bool
    attempts: int
    connect: float
    read: float
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Behaviour:
    """What is done with the paths of one pattern. ``sources`` in the order in which they are tried."""

    pattern: re.Pattern[str] | None
    sources: tuple[Source, ...]
    failover: frozenset[int]
    methods: frozenset[str]
    caching: Caching
    request_policy: str

    @property
    def forwards_all(self) -> bool:
        return self.request_policy in (ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST)


@dataclass(frozen=True)
class ErrorPage:
    keep: float
    """AWS seconds."""
    path: str = ""
    status: int = 0


@dataclass(frozen=True)
class Site:
    enabled: bool
    root: str
    aliases: frozenset[str]
    behaviours: tuple[Behaviour, ...]
    """The default comes last."""
    errors: dict[int, ErrorPage]

    def behaviour(self, path: str) -> Behaviour:
        return next(one for one in self.behaviours if one.pattern is None or one.pattern.fullmatch(path))

    def error(self, status: int) -> ErrorPage:
        return self.errors.get(status, ErrorPage(_ERROR_TTL))


def read(config: dict[str, Any]) -> Site:
    """From the configuration as a client gives it. Raises KeyError for an origin or policy that is not there."""
    sources = {one["Id"]: _source(one) for one in _items(config, "Origins")}
    groups = {one["Id"]: one for one in _items(config, "OriginGroups")}
    behaviours = [*_items(config, "CacheBehaviors"), config["DefaultCacheBehavior"]]
    return Site(
        enabled=bool(config.get("Enabled")),
        root=str(config.get("DefaultRootObject") or ""),
        aliases=frozenset(str(alias).lower() for alias in _items(config, "Aliases")),
        behaviours=tuple(_behaviour(one, sources, groups) for one in behaviours),
        errors={int(one["ErrorCode"]): _error(one) for one in _items(config, "CustomErrorResponses")},
    )


def _items(config: dict[str, Any], name: str) -> list[Any]:
    return list((config.get(name) or {}).get("Items") or [])


def _source(given: dict[str, Any]) -> Source:
    custom = given.get("CustomOriginConfig") or {}
    tls = custom.get("OriginProtocolPolicy") == "https-only"
    return Source(
        id=given["Id"],
        host=given["DomainName"],
        path=str(given.get("OriginPath") or "").rstrip("/"),
        s3="S3OriginConfig" in given,
        signed=bool(
            given.get("OriginAccessControlId") or (given.get("S3OriginConfig") or {}).get("OriginAccessIdentity")
        ),
        port=int(custom.get("HTTPSPort" if tls else "HTTPPort") or (443 if tls else 80)),
        tls=tls,
        attempts=int(given.get("ConnectionAttempts") or 3),
        connect=float(given.get("ConnectionTimeout") or 10),
        read=float(custom.get("OriginReadTimeout") or 30),
        headers=tuple((one["HeaderName"], one["HeaderValue"]) for one in _items(given, "CustomHeaders")),
    )


def _behaviour(given: dict[str, Any], sources: dict[str, Source], groups: dict[str, Any]) -> Behaviour:
    target = given["TargetOriginId"]
    group = groups.get(target)
    members = [one["OriginId"] for one in _items(group, "Members")] if group else [target]
    pattern = given.get("PathPattern")
    return Behaviour(
        pattern=_pattern(pattern) if pattern else None,
        sources=tuple(sources[member] for member in members),
        failover=frozenset(int(code) for code in _items(group["FailoverCriteria"], "StatusCodes"))
        if group
        else frozenset(),
        methods=frozenset(_items(given, "AllowedMethods") or ["HEAD", "GET"]),
        caching=_caching(given),
        request_policy=str(given.get("OriginRequestPolicyId") or ""),
    )


def _pattern(text: str) -> re.Pattern[str]:
    """``*`` and ``?`` alone have a meaning; a slash at the beginning may be left out."""
    literal = text.replace("[", "[[]")
    return re.compile(translate(literal if literal.startswith(("/", "*")) else "/" + literal))


def _caching(given: dict[str, Any]) -> Caching:
    if policy := given.get("CachePolicyId"):
        return POLICIES[policy]
    times = [given.get(name) for name in ("MinTTL", "DefaultTTL", "MaxTTL")]
    least, default, most = (
        fallback if time is None else float(time) for time, fallback in zip(times, (0.0, _DAY, _YEAR), strict=True)
    )
    return Caching(least, default, most, bool((given.get("ForwardedValues") or {}).get("QueryString")))


def _error(given: dict[str, Any]) -> ErrorPage:
    keep = given.get("ErrorCachingMinTTL")
    path, status = given.get("ResponsePagePath") or "", given.get("ResponseCode") or 0
    return ErrorPage(_ERROR_TTL if keep is None else float(keep), str(path), int(status))
