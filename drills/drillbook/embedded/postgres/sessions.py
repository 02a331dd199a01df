"""The superuser's own connections to one server."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.template import ADMIN, PASSWORD_FILE

if TYPE_CHECKING:
    import psycopg

PORT = 5432
"""The number in the socket's name: each server has a directory of its own."""


class Sessions:
    """Those that are open; ``cut`` ends them all, so that nobody here waits for a server that does not answer."""

    def __init__(self, home: Path, data: Path) -> None:
        self._home, self._passwords = home, data / PASSWORD_FILE
        self._open: set[psycopg.Connection[Any]] = set()

    @contextmanager
    def open(self, database: str, timeout: float) -> Iterator[psycopg.Connection[Any]]:
        """Each statement is a transaction of its own. Raises PostgresFailed if the server goes away, too."""
        import psycopg

        try:
            with self._connected(database, timeout) as connection:
                self._open.add(connection)
                try:
                    yield connection
                finally:
                    self._open.discard(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise PostgresFailed(f"PostgreSQL does not answer: {error}") from None

    def cut(self) -> None:
        """End them at once, from any thread."""
        for connection in list(self._open):
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)

    def _connected(self, database: str, timeout: float) -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(
            host=str(self._home),
            port=PORT,
            user=ADMIN,
            passfile=str(self._passwords),
            dbname=database,
            connect_timeout=max(2, round(timeout)),
            application_name=ADMIN,
            autocommit=True,
        )
