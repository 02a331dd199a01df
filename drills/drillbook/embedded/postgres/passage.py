"""A way to a server that stays where it is while the server behind it changes. Doors and links are passages."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from drillbook.embedded.postgres.network import Network
from drillbook.embedded.postgres.pipe import Half
from drillbook.embedded.postgres.sessions import PORT


def socket_in(folder: Path) -> str:
    """Where libpq looks for a server when its host is a directory."""
    return str(folder / f".s.PGSQL.{PORT}")


class Passage:
    """Carries connections to the server whose socket directory is ``target``; None: nobody is there.

    Every method but those that begin with an underscore may be called from any thread.
    """

    def __init__(self, network: Network) -> None:
        self.delay = 0.0
        """Seconds that every byte takes, each way. May change at any time."""
        self._network = network
        self._target: Path | None = None
        self._listener: asyncio.Server | None = None
        self._halves: set[Half] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def target(self) -> Path | None:
        return self._target

    def lead_to(self, target: Path | None) -> None:
        """Lead new connections there. Those that led elsewhere are dropped, with all that was on its way."""

        def turn() -> None:
            if target != self._target:
                self._target = target
                self._drop()

        self._network.call(turn)

    def close(self) -> None:
        """Nobody gets through any more, for good."""

        def shut() -> None:
            if self._listener is not None:
                self._listener.close()
            self._drop()

        self._network.call(shut)

    def _accepted(self) -> asyncio.Protocol:
        """The protocol of a new client connection."""
        client = _Front(self)
        self._halves.add(client)
        return client

    def _begin(self, client: Half) -> None:
        """A client has come."""
        if self._target is None:
            client.abort()
        else:
            self._do(self._connect(client, socket_in(self._target)))

    async def _connect(self, client: Half, socket: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, server = await loop.create_unix_connection(self._half, socket)
        except OSError:
            client.abort()
            return
        if client not in self._halves:
            server.abort()
            return
        client.join(server)

    def _half(self) -> Half:
        half = Half(self._late, self._halves.discard)
        self._halves.add(half)
        return half

    def _late(self) -> float:
        return self.delay

    def _drop(self) -> None:
        for half in list(self._halves):
            half.abort()
        self._halves.clear()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """The loop itself holds its tasks only weakly."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Front(Half):
    """The client's end."""

    def __init__(self, passage: Passage) -> None:
        super().__init__(passage._late, passage._halves.discard)
        self._passage = passage

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._passage._begin(self)
