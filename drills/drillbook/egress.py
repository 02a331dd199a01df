"""The egress guard: a process that drives an emulated target cannot reach AWS itself.

While the guard is up, Python's audit hooks see every name lookup and every connection of this process, whoever makes
it: a session made before the drill, a bare ``boto3.client()``, an HTTP library. What is meant for AWS is refused.
Subprocesses have their own way out: see ``drillbook.shell.environment`` and ``drillbook.shell.proxy``.

It cannot stop code that looks names up by itself and connects to the address it found, and no C extension that does
not tell Python's audit hooks. It guards against mistakes, not against malice.
"""

from __future__ import annotations

import ipaddress
import re
import sys
import threading
from typing import Any

from drillbook.errors import Refused

SUFFIXES = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.aws",
    "on.aws",
    "aws.dev",
    "aws.amazon.com",
    "awsapps.com",
    "awsapprunner.com",
    "awsglobalaccelerator.com",
    "cloudfront.net",
    "elasticbeanstalk.com",
)
"""Domains under which AWS answers: the partitions of botocore's partitions.json, and customers' front doors."""
METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"),
    )
)
"""Where instances, tasks and pods of AWS get their credentials from (EC2, ECS and EKS user guides)."""
_REQUEST_LINE = re.compile(rb"(?:CONNECT |[A-Z]+ https?://)(\[[^]]+\]|[^/: ]+)")
_up = 0
_hooked = False
_lock = threading.Lock()


def is_aws(host: str) -> bool:
    """Does AWS answer at this name or address?"""
    name = host.strip("[]").rstrip(".").lower()
    if any(name == suffix or name.endswith(f".{suffix}") for suffix in SUFFIXES):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]) in METADATA
    except ValueError:
        return False


class Guard:
    """Up from ``raise_`` to ``lower``. Several may be up at once: the way to AWS is free when the last is down."""

    def __init__(self) -> None:
        self._up = False

    def raise_(self) -> None:
        """Refuse from now on. Twice is once."""
        global _up
        _hook()
        with _lock:
            _up += not self._up
            self._up = True

    def lower(self) -> None:
        """Refuse no more, as far as this guard goes. Twice is once."""
        global _up
        with _lock:
            _up -= self._up
            self._up = False


def is_shut() -> bool:
    """Is a guard up?"""
    return _up > 0


def check(host: str) -> None:
    """Raises Refused("egress") if a guard is up and ``host`` is AWS."""
    if _up and is_aws(host):
        raise Refused(
            "egress",
            f"a connection to {host}, while a drill runs on an emulated target",
            do="use the session of the world, or AWS_ENDPOINT_URL: this drill may reach its own target only",
        )


def _hook() -> None:
    """Once a process; an audit hook cannot be taken away again."""
    global _hooked
    with _lock:
        if not _hooked:
            sys.addaudithook(_audit)
            _hooked = True


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """https://docs.python.org/3/library/audit_events.html"""
    if not _up:
        return
    match event:
        case "socket.getaddrinfo" | "socket.gethostbyname":
            _check(arguments[0])
        case "socket.connect" | "socket.sendto" if isinstance(arguments[1], tuple):
            _check(arguments[1][0])
        case "http.client.send" if isinstance(arguments[1], bytes | bytearray) and (
            asked := _REQUEST_LINE.match(arguments[1])
        ):
            _check(asked[1])  # what a proxy is asked for


def _check(host: object) -> None:
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii", "replace")
    if isinstance(host, str):
        check(host)
