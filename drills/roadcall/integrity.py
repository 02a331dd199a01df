"""What must be true of the data, wherever it is served from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.probe import Reading
from drillbook.sql.replication import one_writer

from .aurora import database
from .names import REGIONS

if TYPE_CHECKING:
    from drillbook.world import World


def one_region_takes_writes(world: World) -> Reading:
    """Two clusters that take writes are a split brain."""
    return one_writer(world, {region: database(region) for region in REGIONS})
