"""One health check of one endpoint, as a Route 53 health checker makes it.

Source: "How Route 53 determines the status of health checks that monitor an endpoint"
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html): a TCP
connection within 4 s (10 s for TCP checks), then a 2xx or 3xx status within 2 s, then the body within 2 s.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from dataclasses import dataclass

from moto.route53.models import HealthCheck

from drillbook.embedded.dns.places import WEB, connect, patience
from drillbook.embedded.planes import CloudState

CONNECT, CONNECT_TCP, ANSWER = 4.0, 10.0, 2.0
"""AWS seconds."""
_SEARCHED = 5120
_AGENT = "Amazon-Route53-Health-Check-Service (ref {}; report https://amzn.to/1vsZADi)"


@dataclass(frozen=True)
class Finding:
    """What one probe found, and how GetHealthCheckStatus words it."""

    passed: bool
    said: str


def probe(cloud: CloudState, check: HealthCheck, find: Callable[[str], str | None]) -> Finding:
    """Probe once. ``find`` gives the address of a name."""
    address = check.ip_address or find(check.fqdn or "")
    if address is None:
        return Finding(False, f"Failure: DNS resolution failed: {check.fqdn} has no address")
    tls = str(check.type_).startswith("HTTPS")
    limit = CONNECT_TCP if check.type_ == "TCP" else CONNECT
    try:
        with connect(cloud, address, int(check.port), tls=tls, host=check.fqdn or address, seconds=limit) as sock:
            if check.type_ == "TCP":
                return Finding(True, "Success: TCP connection established")
            return _asked(cloud, check, address, sock)
    except OSError as error:
        return Finding(False, f"Failure: The health checker could not establish a connection{_why(error)}")


def _asked(cloud: CloudState, check: HealthCheck, address: str, sock: socket.socket) -> Finding:
    sock.settimeout(patience(cloud, ANSWER))
    connection = http.client.HTTPConnection(address)
    connection.sock = sock
    headers = {"Host": _host(check, address), "User-Agent": _AGENT.format(check.id), "Connection": "close"}
    try:
        connection.request("GET", "/" + (check.resource_path or "").removeprefix("/"), headers=headers)
        answer = connection.getresponse()
        return _judged(check, answer)
    except TimeoutError:
        return Finding(False, "Failure: The endpoint did not respond within the timeout limit")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Finding(False, f"Failure: The connection broke ({type(error).__name__})")


def _judged(check: HealthCheck, answer: http.client.HTTPResponse) -> Finding:
    told = f"HTTP Status Code {answer.status}, {answer.reason}"
    if not 200 <= answer.status < 400:
        return Finding(False, f"Failure: {told}")
    if not str(check.type_).endswith("_STR_MATCH"):
        return Finding(True, f"Success: {told}")
    if str(check.search_string).encode() in answer.read(_SEARCHED):
        return Finding(True, f"Success: {told}. The response body contains the search string")
    return Finding(False, f"Failure: {told}. The response body does not contain the search string")


def _host(check: HealthCheck, address: str) -> str:
    """The domain name, with the port unless it is the web's own."""
    name = check.fqdn or address
    return name if int(check.port) in WEB else f"{name}:{check.port}"


def _why(error: OSError) -> str:
    return " within the timeout limit" if isinstance(error, TimeoutError) else f" ({error.strerror or error})"
