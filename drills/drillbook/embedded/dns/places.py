"""Where what the cloud itself connects to is on this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from drillbook.embedded.addresses import EVERYWHERE, region_at
from drillbook.embedded.planes import CloudState
from drillbook.web.resolver import Place

WEB = {80: "http", 443: "https"}
LEAST_PATIENCE = 0.5
"""Seconds that the cloud waits at least for an answer: endpoints are real, and not faster in a scaled world."""


def place_of(cloud: CloudState, address: str, port: int, *, tls: bool) -> Place:
    """The web ports of a region's address are the cloud's one port, without TLS: the cloud has no certificates."""
    if port in WEB and (region_at(address) or address == EVERYWHERE):
        return Place(address, urlsplit(cloud.endpoint).port or port, tls=False)
    return Place(address, port, tls)


def patience(cloud: CloudState, seconds: float) -> float:
    """How long to wait here for what AWS gives ``seconds``."""
    return max(cloud.aws_seconds(seconds), LEAST_PATIENCE)
