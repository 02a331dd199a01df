"""The backends of all regions, which replication and restores go across."""

from __future__ import annotations

from moto.dynamodb.models import dynamodb_backends

from drillbook.embedded.dynamodb.backend import TimeTravelBackend


def backend_of(account: str, region: str) -> TimeTravelBackend:
    found = dynamodb_backends[account][region]
    assert isinstance(found, TimeTravelBackend)
    return found


def backends() -> list[TimeTravelBackend]:
    """Those that were used."""
    found = [backend for regions in list(dynamodb_backends.values()) for backend in list(regions.values())]
    return [backend for backend in found if isinstance(backend, TimeTravelBackend)]
