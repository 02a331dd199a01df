"""The endpoints of one Aurora cluster: for the writer, for the readers, and one an instance.

Cluster and reader endpoint have one port (``DBCluster.Port``) at two addresses; AWS tells them apart by name alone.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.Endpoints.html
"""

from __future__ import annotations

import errno
import itertools
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from drillbook.embedded.addresses import REGIONS, address_of
from drillbook.embedded.postgres.door import Door
from drillbook.embedded.postgres.network import Network
from drillbook.embedded.postgres.pipe import Half

_ATTEMPTS = 50


def readers_address_of(region: str) -> str:
    """Where the reader endpoints of a region are: beside the region's own address, so that ports can be the same."""
    if not sys.platform.startswith("linux") or region not in REGIONS:
        return "localhost"
    return f"127.0.2.{REGIONS.index(region) + 1}"


class BalancingDoor(Door):
    """Leads each new connection to the next of several servers.

    "Each Aurora Replica" gets its share of *connections*; those that are there already are not moved.
    """

    def __init__(self, network: Network, address: str, port: int) -> None:
        super().__init__(network, address, port)
        self._targets: tuple[Path, ...] = ()
        self._turns = itertools.count()

    def lead_to_any(self, targets: Collection[Path]) -> None:
        """Share new connections among these. Others end with their own server."""

        def turn() -> None:
            self._targets = tuple(sorted(targets))
            self._target = self._targets[0] if self._targets else None

        self._network.call(turn)

    def _begin(self, client: Half) -> None:
        if self._targets:
            self._target = self._targets[next(self._turns) % len(self._targets)]
        super()._begin(client)


class Doors:
    """Where a cluster is reached. The doors stay as long as the cluster does; what is behind them changes."""

    def __init__(self, network: Network, region: str, port: int) -> None:
        self._network, self._region = network, region
        self.writer, self.reader = _pair(network, region, port)
        self.instances: dict[str, Door] = {}

    @property
    def port(self) -> int:
        return self.writer.port

    def of(self, instance: str) -> Door:
        """The door of an instance, made when first asked for."""
        if instance not in self.instances:
            self.instances[instance] = Door(self._network, address_of(self._region), 0)
        return self.instances[instance]

    def rename(self, old: str, new: str) -> None:
        if old in self.instances:
            self.instances[new] = self.instances.pop(old)

    def remove(self, instance: str) -> None:
        if door := self.instances.pop(instance, None):
            door.close()

    def silence(self, instances: Collection[str], *, cluster: bool) -> None:
        """Exactly these instances answer nothing, and with ``cluster`` the endpoints of the whole do not either."""
        self.writer.be_silent(cluster)
        self.reader.be_silent(cluster)
        for name, door in list(self.instances.items()):
            door.be_silent(name in instances)

    def lead(self, writer: Path | None, readers: Mapping[str, Path], instances: Mapping[str, Path]) -> None:
        """Lead to the servers with these socket directories. With no reader, the reader endpoint is the writer's."""
        self.writer.lead_to(writer)
        self.reader.lead_to_any(list(readers.values()) or [one for one in (writer,) if one])
        for name, door in list(self.instances.items()):
            door.lead_to(instances.get(name))

    def close(self) -> None:
        for door in (self.writer, self.reader, *self.instances.values()):
            door.close()


def _pair(network: Network, region: str, port: int) -> tuple[Door, BalancingDoor]:
    """Two doors with one port, the wanted one if it is free at both addresses."""
    for _ in range(_ATTEMPTS):
        writer = Door(network, address_of(region), port)
        reader = BalancingDoor(network, readers_address_of(region), writer.port)
        if reader.port == writer.port:
            return writer, reader
        writer.close()
        reader.close()
        port = 0
    raise OSError(errno.EADDRINUSE, "no port is free at both addresses of a region")
