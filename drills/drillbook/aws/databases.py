"""A PostgreSQL instance of RDS seen from outside: what RDS says of it, and whether its server answers."""

from __future__ import annotations

import socket
import struct
from typing import Any, Literal

from drillbook.aws.failures import calling
from drillbook.clock import Clock
from drillbook.waiting import wait_for

Answer = Literal["answers", "refuses", "silent"]
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""Asks any PostgreSQL server for TLS; it answers one byte, and needs no login for that.
https://www.postgresql.org/docs/current/protocol-message-formats.html"""


def describe_instance(rds: Any, name: str) -> dict[str, Any]:
    """Raises PermanentError if there is no such instance."""
    with calling(f"look at the instance {name}"):
        return dict(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])


def await_available(rds: Any, name: str, clock: Clock, timeout: float) -> dict[str, Any]:
    """The instance once it is available. Raises WaitTimeout."""
    return wait_for(
        f"{name} available",
        lambda: describe_instance(rds, name),
        until=lambda instance: instance["DBInstanceStatus"] == "available",
        timeout=timeout,
        interval=0.2,
        clock=clock,
    )


def ask_server(instance: dict[str, Any], patience: float = 1.0) -> Answer:
    """What a client that connects to the instance's endpoint meets, within ``patience`` seconds."""
    endpoint = instance.get("Endpoint")
    if endpoint is None:
        return "refuses"
    try:
        with socket.create_connection((endpoint["Address"], endpoint["Port"]), patience) as connection:
            connection.sendall(_SSL_REQUEST)
            return "answers" if connection.recv(1) else "refuses"
    except TimeoutError:
        return "silent"
    except OSError:
        return "refuses"
