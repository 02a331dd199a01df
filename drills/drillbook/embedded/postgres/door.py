"""The endpoint of a database: an address and port that stay while the server behind them changes.

``open`` forwards to the server; with none behind it, the connection is reset at once. ``silent`` is a network that
drops packets (a revoked security group, a dark region): connections are not answered and those there hang.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from contextlib import suppress

from drillbook.embedded.postgres.network import Network
from drillbook.embedded.postgres.passage import Passage
from drillbook.embedded.postgres.pipe import Half

_ATTEMPTS = 3
_BACKLOG = 256
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Door(Passage):
    """Listens on ``address``, at ``port`` if that is free there, else at one that the system chooses."""

    def __init__(self, network: Network, address: str, port: int) -> None:
        super().__init__(network)
        self.address = address
        self._silent = False
        listening = _listening(address, port)
        self.port: int = listening.getsockname()[1]
        network.run(self._listen(listening))

    @property
    def silent(self) -> bool:
        return self._silent

    def be_silent(self, silent: bool) -> None:
        """Answer nothing any more, or again. A connection that hung meanwhile goes on, unless its server is gone."""

        def change() -> None:
            if silent != self._silent:
                self._silent = silent
                for half in list(self._halves):
                    half.silence(silent)
                for half in [] if silent else list(self._halves):
                    if half.other is None:
                        self._begin(half)

        self._network.call(change)

    def _begin(self, client: Half) -> None:
        if self._silent:
            client.silence(True)
            return
        if client.transport is not None:
            connection = client.transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        super()._begin(client)

    def _drop(self) -> None:
        """Behind a silent door nobody learns that the server has gone."""
        if not self._silent:
            super()._drop()

    async def _listen(self, on: socket.socket) -> None:
        self._listener = await asyncio.get_running_loop().create_server(self._accepted, sock=on, backlog=_BACKLOG)


def _listening(address: str, port: int) -> socket.socket:
    """Bound and listening at once: another cloud's door may be bound to the same port until one of the two listens."""
    for wanted in (port, *[0] * _ATTEMPTS):
        with suppress(OSError):
            listening = socket.create_server((address, wanted), backlog=_BACKLOG)
            listening.setblocking(False)
            return listening
    raise OSError(errno.EADDRINUSE, f"no port is free at {address}")
