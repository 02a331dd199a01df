"""Where what the cloud itself connects to is on this machine."""

from __future__ import annotations

import socket
import ssl
from functools import cache
from urllib.parse import urlsplit

from drillbook.embedded.addresses import EVERYWHERE, region_at
from drillbook.embedded.planes import CloudState
from drillbook.web.resolver import Place, dial

WEB = {80: "http", 443: "https"}
LEAST_PATIENCE = 2.0
"""Seconds that the cloud waits at least for an answer: endpoints are real, and not faster in a scaled world. A busy
machine is no outage."""


def place_of(cloud: CloudState, address: str, port: int, *, tls: bool) -> Place:
    """The web ports of a region's address are the cloud's one port, without TLS: the cloud has no certificates."""
    if port in WEB and (region_at(address) or address == EVERYWHERE):
        return Place(address, urlsplit(cloud.endpoint).port or port, tls=False)
    return Place(address, port, tls)


def connect(cloud: CloudState, address: str, port: int, *, tls: bool, host: str, seconds: float) -> socket.socket:
    """A connection within ``seconds`` AWS seconds. Certificates are not verified: who needs that cannot be here.

    Packets into a dark region are lost, whereas on this machine a connection would open first and then hang; so nothing
    is sent there, and the time passes that AWS would wait. Raises OSError.
    """
    region = region_at(address)
    if region and cloud.domains.now.dark(region):
        cloud.clock.sleep(cloud.aws_seconds(seconds))
        raise TimeoutError("timed out")
    return dial([place_of(cloud, address, port, tls=tls)], host, patience(cloud, seconds), _trusting())


@cache
def _trusting() -> ssl.SSLContext:
    """Made once: reading the machine's certificates takes milliseconds, and checkers come many times a second."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def patience(cloud: CloudState, seconds: float) -> float:
    """How long to wait here for what AWS gives ``seconds``."""
    return max(cloud.aws_seconds(seconds), LEAST_PATIENCE)
