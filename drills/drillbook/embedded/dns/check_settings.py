"""What a health check may be made of.

Source: "HealthCheckConfig" (https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html). AWS
also refuses loopback and private addresses, which its checkers cannot reach; here all that is checked is on loopback.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Any

from moto.route53.exceptions import InvalidInput
from moto.route53.models import HealthCheck

from drillbook.embedded.addresses import REGIONS

ENDPOINT_TYPES = frozenset({"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"})
FEWEST_REGIONS = 3
_INTERVALS = (10, 30)
_HIGHEST_THRESHOLD = 10
_MOST_CHILDREN = 256


def check_new(asked: dict[str, Any], known: Collection[str]) -> None:
    """Raises InvalidInput."""
    kind = asked["type"]
    if kind == "CALCULATED":
        _check_calculated(asked, known)
    elif kind == "CLOUDWATCH_METRIC":
        alarm = asked.get("alarm_identifier") or {}
        if not alarm.get("Region") or not alarm.get("Name"):
            raise InvalidInput("Invalid parameter : AlarmIdentifier with Region and Name is required")
    elif kind in ENDPOINT_TYPES:
        _check_endpoint(asked)
    else:
        raise InvalidInput(f"Invalid parameter : health checks of type {kind} are not supported")
    _check_values(asked)


def check_update(known: HealthCheck, asked: dict[str, Any], checks: Collection[str]) -> None:
    """Raises InvalidInput."""
    _check_values(asked)
    if known.type_ == "CALCULATED":
        children = asked.get("children") or known.children or ()
        _check_calculated({"health_threshold": known.health_threshold, **asked, "children": children}, checks)


def _check_calculated(asked: dict[str, Any], known: Collection[str]) -> None:
    children = asked.get("children") or ()
    if len(children) > _MOST_CHILDREN:
        raise InvalidInput(f"Invalid parameter : at most {_MOST_CHILDREN} child health checks")
    if missing := [child for child in children if child not in known]:
        raise InvalidInput(f"Invalid parameter : Child health check {missing[0]} does not exist")


def _check_endpoint(asked: dict[str, Any]) -> None:
    if not asked.get("ip_address") and not asked.get("fqdn"):
        raise InvalidInput("Invalid parameter : IPAddress or FullyQualifiedDomainName is required")
    if asked["type"] == "TCP" and not asked.get("port"):
        raise InvalidInput("Invalid parameter : Port is required for health checks of type TCP")
    if asked["type"].endswith("_STR_MATCH") and not asked.get("search_string"):
        raise InvalidInput(f"Invalid parameter : SearchString is required for health checks of type {asked['type']}")
    if asked.get("request_interval") not in (None, *_INTERVALS):
        raise InvalidInput("Invalid parameter : RequestInterval must be 10 or 30")


def _check_values(asked: dict[str, Any]) -> None:
    if (address := asked.get("ip_address")) and not _is_address(address):
        raise InvalidInput(f"Invalid parameter : {address} is not a valid IP address")
    if (port := asked.get("port")) is not None and not 1 <= int(port) <= 65535:
        raise InvalidInput("Invalid parameter : Port must be between 1 and 65535")
    threshold = asked.get("failure_threshold")
    if threshold is not None and not 1 <= int(threshold) <= _HIGHEST_THRESHOLD:
        raise InvalidInput("Invalid parameter : FailureThreshold must be between 1 and 10")
    regions = asked.get("regions") or ()
    if regions and (len(set(regions)) < FEWEST_REGIONS or set(regions) - set(REGIONS)):
        raise InvalidInput(f"Invalid parameter : Regions must name at least {FEWEST_REGIONS} regions")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
