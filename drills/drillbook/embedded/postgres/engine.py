"""PostgreSQL for one embedded cloud: makes servers, and ends all of them with the cloud.

Used by RDS instances and by Aurora clusters::

    engine = engine_of(cloud)               # the cloud's one engine; binaries are looked up at the first server
    server = engine.create("orders")        # an empty database, not started
    server.start()
    standby = engine.copy_of(server, "b")   # a base backup of a running server, not started
    standby.follow(server.home, "b")        # or link.folder
    standby.start()

A server's name only helps to recognise its directory. ``discard`` ends a server and deletes its data.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import threading
from functools import cache, cached_property
from pathlib import Path

from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres import binaries
from drillbook.embedded.postgres.account import Account, Nursery, PostgresFailed, choose
from drillbook.embedded.postgres.copies import copy_tree
from drillbook.embedded.postgres.network import Network
from drillbook.embedded.postgres.server import Server
from drillbook.embedded.postgres.spare import Spare
from drillbook.embedded.postgres.template import reachable, template, usable_cache
from drillbook.errors import WaitTimeout
from drillbook.waiting import wait_for


@cache
def engine_of(cloud: CloudState) -> Engine:
    """The one engine of a cloud, which its planes share."""
    return Engine(cloud)


class Engine:
    """All servers of one cloud, and the network between them and their clients."""

    def __init__(self, cloud: CloudState) -> None:
        self.cloud = cloud
        self.root = cloud.scratch / "pg"
        self.network = Network()
        self.servers: set[Server] = set()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create(self, name: str) -> Server:
        """An empty database, not started. Raises TargetError where there is no PostgreSQL."""
        server = self.empty(name)
        self.fill(server)
        return server

    def fill(self, server: Server) -> None:
        """Make a server without data an empty database."""
        self.spare.take(server.data)

    def copy_of(self, source: Server, name: str) -> Server:
        """A base backup of a running server, not started."""
        server = self.empty(name)
        source.base_backup(server.data)
        return server

    def restored(self, backup: Path, name: str) -> Server:
        """A copy of a base backup that was kept, not started."""
        server = self.empty(name)
        server.adopt(backup)
        return server

    def discard(self, server: Server) -> None:
        """End it and delete its data."""
        server.kill()
        self.servers.discard(server)
        shutil.rmtree(server.home, ignore_errors=True)

    def close(self) -> None:
        """End every server at once."""
        for server in list(self.servers):
            server.kill()
        self.network.close()
        if "spare" in vars(self):
            self.spare.close()
        if "nursery" in vars(self):
            self.nursery.close()

    def pids(self) -> list[int]:
        return sorted(pid for server in list(self.servers) if (pid := server.pid) is not None)

    def folder(self, *names: str) -> Path:
        """A directory of this cloud that its servers may use, such as a WAL archive."""
        place = self.place
        for name in names:
            place = self.account.folder(place / name)
        return place

    def await_file(self, path: Path, server: Server) -> None:
        """Wait until the archive has this segment. Raises PostgresFailed if it never comes."""

        def there() -> bool:
            if server.frozen or not server.running:
                raise PostgresFailed("a server that hangs or has ended archives nothing")
            return path.exists()

        try:
            wait_for(f"{path.name} in the archive", there, timeout=30, interval=0.004, clock=self.cloud.clock)
        except WaitTimeout as late:
            raise PostgresFailed(late.what) from None

    @cached_property
    def account(self) -> Account:
        return choose()

    @cached_property
    def nursery(self) -> Nursery:
        return Nursery(self.account)

    @cached_property
    def binaries(self) -> binaries.Binaries:
        return reachable(binaries.find(), self.account, usable_cache(self.place))

    @cached_property
    def template(self) -> Path:
        return template(self.binaries, self.account, usable_cache(self.place))

    @cached_property
    def spare(self) -> Spare:
        return Spare(self._copied)

    def _copied(self) -> Path:
        copied = self.folder("spare") / str(next(self._numbers))
        copy_tree(self.template, copied, self.account)
        return copied

    @cached_property
    def place(self) -> Path:
        """Where everything of this engine is. Root's scratch directory is opened for passing through, not looking."""
        if self.account.uid is not None and os.geteuid() == 0:
            self.cloud.scratch.chmod(0o711)
        return self.account.folder(self.root)

    def empty(self, name: str) -> Server:
        """A server that has no data directory yet."""
        with self._lock:
            home = self.folder(f"{next(self._numbers)}-{re.sub('[^a-z0-9]', '', name.lower())[:16]}")
            server = Server(home, self.binaries, self.account, self.nursery, self.cloud.clock)
            self.servers.add(server)
            return server
