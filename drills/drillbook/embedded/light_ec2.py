"""Moto's EC2, imported in a third of the time: its models stand behind those of many other services.

At its import moto asks three new sessions for the regions of EC2, each of which reads EC2's whole API model for the
word ``ec2``; and it reads a hundred files of which instance type is offered where. Here the regions are looked up
without the model, and a file of offerings is read when somebody asks for its region.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

from drillbook.embedded.light_regions import light_regions

_OFFERINGS = "instance_type_offerings"


def import_ec2() -> None:
    """Nothing happens if it is imported already."""
    if "moto.ec2.models" in sys.modules:
        return
    from moto.utilities import utils

    read = utils.load_resource
    with (
        light_regions(),
        mock.patch.object(utils, "load_resource", lambda name: [] if _OFFERINGS in name else read(name)),
    ):
        from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
    for kind in INSTANCE_TYPE_OFFERINGS:
        INSTANCE_TYPE_OFFERINGS[kind] = Offerings(kind, read)


class Offerings(dict[str, Any]):
    """What moto knows of one kind of location, by region."""

    def __init__(self, kind: str, read: Callable[[str], list[dict[str, Any]]]) -> None:
        super().__init__()
        self._kind, self._read = kind, read

    def __missing__(self, region: str) -> list[dict[str, Any]]:
        try:
            offered = self._read(f"ec2/resources/{_OFFERINGS}/{self._kind}/{region}.json")
        except FileNotFoundError:
            raise KeyError(region) from None
        self[region] = found = [one | {"LocationType": self._kind} for one in offered]
        return found

    def get(self, region: str, default: Any = None) -> Any:
        """A dictionary's own would not look for what is missing."""
        try:
            return self[region]
        except KeyError:
            return default
