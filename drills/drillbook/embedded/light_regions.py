"""Which regions a service has, without its whole API model.

Moto asks boto3 for that when a service is first used, and boto3 parses the service's model, up to several MB, for one
word at its beginning: the prefix under which the endpoints are listed.
"""

from __future__ import annotations

import gzip
import re
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import botocore.session
from botocore.exceptions import DataNotFoundError
from botocore.regions import EndpointResolver

_PREFIX = re.compile(rb'"endpointPrefix"\s*:\s*"([^"]+)"')
_BEGINNING = 4096
_slow = boto3.Session.get_available_regions


def light_regions() -> AbstractContextManager[object]:
    """While it is entered, ``boto3.Session.get_available_regions`` answers the same in a hundredth of the time."""
    return mock.patch.object(boto3.Session, "get_available_regions", _regions)


def _regions(
    session: boto3.Session, service_name: str, partition_name: str = "aws", allow_non_regional: bool = False
) -> list[str]:
    prefix = _prefix(service_name)
    if prefix is None:
        return _slow(session, service_name, partition_name, allow_non_regional)
    found: list[str] = _resolver().get_available_endpoints(prefix, partition_name, allow_non_regional)
    return found


@cache
def _resolver() -> Any:
    return EndpointResolver(botocore.session.get_session().get_data("endpoints"))


@cache
def _prefix(service: str) -> str | None:
    """None if it is not found where it always is."""
    loader = botocore.session.get_session().get_component("data_loader")
    try:
        version = loader.determine_latest_version(service, "service-2")
    except DataNotFoundError:
        return None
    for place in loader.search_paths:
        file = Path(place, service, version, "service-2.json.gz")
        if file.exists():
            with gzip.open(file) as model:
                found = _PREFIX.search(model.read(_BEGINNING))
            return found[1].decode() if found else None
    return None
