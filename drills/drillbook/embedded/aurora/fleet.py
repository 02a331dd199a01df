"""What really runs for one Aurora cluster: its storage volume, and a server for each of its instances.

Aurora's instances share one storage volume, which is kept in three zones and acknowledges each commit. Here the volume
is one data directory, and the server on it is the writer's (in a secondary cluster, the first reader's: the *head*).
Every other instance is a hot standby of that server, and may lag behind it as Aurora's readers do. A failover ends the
head's server and starts another one on the same volume in the name of a reader: whatever was acknowledged is there,
and the time that it takes is the time of a crash recovery, as on AWS.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from moto.rds.models import DBCluster

from drillbook.embedded.aurora.doors import Doors
from drillbook.embedded.aurora.volume import forget_upstream
from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.engine import Engine
from drillbook.embedded.postgres.link import Link
from drillbook.embedded.postgres.server import Server
from drillbook.embedded.rds.security import lets_in

if TYPE_CHECKING:
    from moto.rds.models import DBInstanceClustered

_ATTEMPTS = 3


class Fleet:
    """Brings what runs in line with what moto says of the cluster and with what is broken: ``settle``.

    ``settle`` and whatever else changes servers is done with ``lock`` held.
    """

    def __init__(self, engine: Engine, cluster: DBCluster, server: Server, failed: Callable[[Exception], None]) -> None:
        self.cluster, self.server, self.region = cluster, server, cluster.region
        self.lock = threading.RLock()
        self.head: str | None = None
        """The instance whose server is the volume's own."""
        self.upstream: Fleet | None = None
        """The cluster that this one replicates from; None for one that takes writes."""
        self.link: Link | None = None
        self.readers: dict[str, Server] = {}
        self.stopped = False
        self.superseded = False
        """Another cluster became the primary of the global database while this one could not be told."""
        self.crashes = 0
        """How often a server ended by itself."""
        self.doors = Doors(engine.network, cluster.region, cluster.port)
        self._engine, self._failed = engine, failed
        self._serving: str | None = None
        self._equip(server)

    # What is said of it

    @property
    def key(self) -> str:
        return str(self.cluster.db_cluster_resource_id)

    @property
    def writable(self) -> bool:
        return self.upstream is None

    @property
    def dark(self) -> bool:
        return self._engine.cloud.domains.now.dark(self.region)

    def instances(self) -> list[DBInstanceClustered]:
        """Those that are not being deleted, first choice for a promotion first: lowest tier, then oldest.

        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html
        """
        members = [one for one in self.cluster._members if one.status != "deleting"]
        return sorted(members, key=lambda one: (one.promotion_tier, one.created))

    def servers(self) -> list[Server]:
        return [self.server, *self.readers.values()]

    # What is done to it

    def settle(self) -> None:
        """Run what should run, end what should not, and lead the endpoints there."""
        with self.lock:
            try:
                self._settle()
            except PostgresFailed:
                if not self.dark:
                    raise

    def fail_over(self, target: str) -> None:
        """Make this instance the head; the connections of the old one end."""
        with self.lock:
            self.head = target
            self.settle()

    def rename(self, old: str, new: str) -> None:
        """One of its instances has another name from now on; its server and its endpoint stay."""
        with self.lock:
            if self.head == old:
                self.head = new
            if self._serving == old:
                self._serving = new
            if old in self.readers:
                self.readers[new] = self.readers.pop(old)
            self.doors.rename(old, new)

    def restart(self, instance: str) -> None:
        """Restart this instance's server in order."""
        with self.lock:
            (self.server if instance == self.head else self.readers[instance]).stop()
            self.settle()

    def lose(self) -> None:
        """What is dark now ends at this instant; the doors to it fall silent. ``settle`` is due afterwards."""
        gone = {one.db_instance_identifier for one in self.cluster._members if self._is_dark(one)}
        self.silence(gone, cluster=self.dark or self.head in gone)
        if self.link is not None and not self._linked():
            self.link.cut()
        if self.dark or self.head in gone:
            self.server.kill()
        for name, reader in list(self.readers.items()):
            if name in gone:
                reader.kill()

    def silence(self, instances: set[str], *, cluster: bool) -> None:
        """These do not answer; none does while no security group of the cluster lets anybody in."""
        ports = {self.doors.port, DBCluster.default_port(self.cluster.engine)}
        account, groups = self.cluster.account_id, self.cluster.vpc_security_group_ids
        if not lets_in(account, self.region, groups, ports):
            instances, cluster = set(self.doors.instances), True
        self.doors.silence(instances, cluster=cluster)

    def security_changed(self) -> None:
        """A rule, or the groups of the cluster, are others now."""
        with self.lock:
            self._lead()

    def crash(self, instance: str | None) -> bool:
        """The server of this instance (None: the head) dies as by itself. False if none runs for it."""
        server = self.server if instance in (None, self.head) else self.readers.get(str(instance))
        if server is None or not server.running:
            return False
        server.crash()
        return True

    def follow(self, upstream: Fleet, link: Link) -> None:
        """Replicate from this cluster from the next ``settle`` on. The volume must be a copy of that one's."""
        with self.lock:
            self.upstream, self.link, self.superseded = upstream, link, False
            link.lead_to(upstream.server.home)
            self.server.follow(link.folder, self.key)

    def detach(self) -> None:
        """Stop replicating and take writes: what has not arrived by now never will."""
        with self.lock:
            self.unlink()
            if self.server.running:
                self.server.promote()
            else:
                forget_upstream(self.server)
            self.upstream = None
            self.settle()

    def unlink(self) -> None:
        if self.link is not None:
            self.link.close()
        self.link = None

    def begin_anew(self) -> None:
        """Nothing is in the volume, whatever an attempt that was interrupted has left."""
        self.server.kill()
        shutil.rmtree(self.server.data, ignore_errors=True)

    def discard(self) -> None:
        """The cluster is deleted: end everything, and delete its data."""
        with self.lock:
            self.unlink()
            self.doors.close()
            for server in self.servers():
                self._engine.discard(server)
            self.readers.clear()

    # How it settles

    def _settle(self) -> None:
        living = [one.db_instance_identifier for one in self.instances() if not self._is_dark(one)]
        if self.stopped or self.superseded or self.dark:
            self._rest()
            return
        if self.head not in living:
            self.head = next(iter(living), None)
        self._run_volume()
        self._lead()
        for name in living:
            if name != self.head:
                self._run_reader(name)
        for name in set(self.readers) - set(living):
            self._engine.discard(self.readers.pop(name))
        self._lead()
        self._tell(living)

    def _rest(self) -> None:
        for reader in self.readers.values():
            reader.stop()
        self.server.stop()
        self._serving = None
        self._lead()

    def _run_volume(self) -> None:
        if self._serving != self.head and self.server.running:
            self.server.stop()
        self._serving = self.head
        if self.head is None and self.upstream is None:
            self.server.stop()
        elif not self.server.running:
            self.server.start()
        if self.head in self.readers:
            self._engine.discard(self.readers.pop(self.head))
        if self.link is not None:
            (self.link.mend if self._linked() else self.link.cut)()

    def _run_reader(self, name: str) -> None:
        if name not in self.readers:
            reader = self._equip(self._engine.copy_of(self.server, name))
            reader.follow(self.server.home, name)
            self.readers[name] = reader
        if not self.readers[name].running:
            self.readers[name].start()

    def _lead(self) -> None:
        head = self.server.home if self.server.running and self.head else None
        readers = {name: reader.home for name, reader in self.readers.items() if reader.running}
        if head is not None and not self.writable:
            readers[str(self.head)] = head
        instances = readers | ({str(self.head): head} if head else {})
        self.doors.lead(head if self.writable else None, readers, instances)
        dark = {one.db_instance_identifier for one in self.cluster._members if self._is_dark(one)}
        self.silence(dark, cluster=self.dark)

    def _tell(self, living: list[str]) -> None:
        for one in self.instances():
            one.is_cluster_writer = self.writable and one.db_instance_identifier == self.head
            one.status = "available" if one.db_instance_identifier in living else "rebooting"

    def _equip(self, server: Server) -> Server:
        """A server of this cluster runs only while its region has power, and its end is noticed."""
        server.powered, server.on_death = lambda: not self.dark, self._died
        return server

    def _died(self, server: Server) -> None:
        """A server ended by itself: Aurora promotes a reader, or restarts the instance where there is none."""
        self.crashes += 1
        with self.lock:
            if server is self.server and self.head is not None:
                others = [one.db_instance_identifier for one in self.instances() if not self._is_dark(one)]
                others = [name for name in others if name != self.head and name in self.readers]
                self.head = next(iter(others), self.head)
            self._recover()

    def _recover(self) -> None:
        """Again, if what it has just started dies, too."""
        for left in reversed(range(_ATTEMPTS)):
            try:
                self.settle()
            except PostgresFailed as error:
                if not left:
                    self._failed(error)
            else:
                return

    def _is_dark(self, instance: DBInstanceClustered) -> bool:
        return self._engine.cloud.domains.now.dark(self.region, instance.availability_zone)

    def _linked(self) -> bool:
        return self.upstream is None or self._engine.cloud.domains.now.linked(self.region, self.upstream.region)
