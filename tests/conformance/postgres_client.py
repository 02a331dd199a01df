"""How the database tests reach a database: as any application does, by the endpoint that RDS names."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

USER, PASSWORD, DATABASE = "master", "correct-horse-1", "orders"
CLOCK = SystemClock()
_PAUSE = 0.002
_MAY_I_ENCRYPT = struct.pack("!II", 8, 80877103)
"""SSLRequest, which every server answers with one byte."""


def create(rds: Any, name: str, **more: Any) -> dict[str, Any]:
    """A PostgreSQL instance that is available."""
    rds.create_db_instance(
        **{
            "DBInstanceIdentifier": name,
            "Engine": "postgres",
            "DBInstanceClass": "db.t4g.micro",
            "AllocatedStorage": 20,
            "MasterUsername": USER,
            "MasterUserPassword": PASSWORD,
            "DBName": DATABASE,
        }
        | more
    )
    return available(rds, name)


def described(rds: Any, name: str) -> dict[str, Any]:
    return dict(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])


def available(rds: Any, name: str) -> dict[str, Any]:
    instance = until(rds, name, lambda instance: instance["DBInstanceStatus"] in ("available", "failed"))
    assert instance["DBInstanceStatus"] == "available", instance
    return instance


def until(rds: Any, name: str, holds: Callable[[dict[str, Any]], bool], timeout: float = 30) -> dict[str, Any]:
    """The instance as soon as it is like that."""
    return wait_for(
        f"{name} as expected", lambda: described(rds, name), until=holds, timeout=timeout, interval=0.05, clock=CLOCK
    )


def connect(instance: dict[str, Any], password: str = PASSWORD, **more: Any) -> psycopg.Connection[Any]:
    """Each statement is a transaction of its own."""
    endpoint = instance["Endpoint"]
    settings = {"user": USER, "dbname": DATABASE, "connect_timeout": 10, "autocommit": True} | more
    return psycopg.connect(host=endpoint["Address"], port=endpoint["Port"], password=password, **settings)


def query(instance: dict[str, Any], sql: str, *values: object, **more: Any) -> list[tuple[Any, ...]]:
    with connect(instance, **more) as connection:
        answer = connection.execute(sql.encode(), values or None)
        return answer.fetchall() if answer.description else []


def answers(instance: dict[str, Any], patience: float = 0.5) -> bool:
    """Does anybody answer there within so many seconds? Faster to say no than libpq, which waits for at least 2 s."""
    endpoint = instance["Endpoint"]
    with suppress(OSError), socket.create_connection((endpoint["Address"], endpoint["Port"]), patience) as wire:
        wire.settimeout(patience)
        wire.sendall(_MAY_I_ENCRYPT)
        return bool(wire.recv(1))
    return False


def eventually(what: str, look: Callable[[], Any], timeout: float = 20) -> Any:
    """Look until it is true; a lost connection counts as not yet."""

    def safely() -> Any:
        try:
            return look()
        except psycopg.Error:
            return None

    return wait_for(what, safely, timeout=timeout, interval=0.02, clock=CLOCK)


class Writer:
    """Inserts numbers, one commit each, until the database is lost. ``acked``: number and when it was acknowledged."""

    def __init__(self, instance: dict[str, Any]) -> None:
        self.acked: list[tuple[int, float]] = []
        self._connection = connect(instance)
        self._wire = socket.socket(fileno=os.dup(self._connection.fileno()))
        self._connection.execute("create table if not exists numbers (n int primary key)")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        # A write to a dark region hangs: give the connection up, as a client with a timeout does.
        with self._wire, suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._connection.close()

    def has_written(self, count: int) -> None:
        wait_for(f"{count} rows", lambda: len(self.acked) >= count, timeout=30, interval=0.01, clock=CLOCK)

    def _write(self) -> None:
        number = 0
        try:
            while not self._ended.wait(_PAUSE):
                number += 1
                self._connection.execute("insert into numbers values (%s)", (number,))
                self.acked.append((number, CLOCK.monotonic()))
        except psycopg.Error:
            return
