"""The line between two regions: replication takes time on it, and it can be cut."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from drillbook.embedded.postgres.account import Account
from drillbook.embedded.postgres.network import Network
from drillbook.embedded.postgres.passage import Passage, socket_in
from drillbook.embedded.postgres.pipe import Half


class Link(Passage):
    """A delayed way to a server, for its standbys: they follow ``folder`` as if it was the server's home.

    What was sent into the link and has not come out when it is cut is lost, as in a region that went dark.
    """

    def __init__(self, network: Network, folder: Path, account: Account, delay: float) -> None:
        super().__init__(network)
        self.folder, self.delay = folder, delay
        self._is_cut = False
        self._account = account
        network.run(self._listen())

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    def cut(self) -> None:
        """Drop what is on its way, at once; let nothing through until ``mend``."""

        def cut() -> None:
            self._is_cut = True
            self._drop()

        self._network.call(cut)

    def mend(self) -> None:
        self._is_cut = False

    def _begin(self, client: Half) -> None:
        if self._is_cut:
            client.abort()
        else:
            super()._begin(client)

    async def _listen(self) -> None:
        path = socket_in(self.folder)
        self._listener = await asyncio.get_running_loop().create_unix_server(self._accepted, path)
        self._account.own(Path(path))
        os.chmod(path, 0o600)  # noqa: PTH101 - a socket, not a file
