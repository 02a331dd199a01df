"""A service that is not a cloud's: processes of this machine, or an address, by the service's own commands."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from drillbook.world import World

if TYPE_CHECKING:
    from drillbook.targets import Place


def open_world(world: World, place: Place) -> None:
    """Give the service a port of its own; its ``stand_up`` commands do the rest."""
    del place
    world.values["port"] = str(_free_port())


def find_again(world: World) -> bool:
    """A local world lives in its work directory."""
    return world.workdir.is_dir()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
