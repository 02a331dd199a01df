"""Where the regions of the embedded cloud answer: a loopback address each, so that a DNS answer alone picks the region.

All of them share the cloud's port. ``127.0.0.1`` answers for every region; an API call says by its signature which one
it is for. Only Linux has the whole of 127.0.0.0/8 without set-up; elsewhere every region is at 127.0.0.1.
"""

from __future__ import annotations

import sys

EVERYWHERE = "127.0.0.1"
REGIONS = (
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
_SANDBOX_KEY = "embedded."


def address_of(region: str) -> str:
    """The loopback address of a region; 127.0.0.1 for one that is not in ``REGIONS``."""
    if not sys.platform.startswith("linux") or region not in REGIONS:
        return EVERYWHERE
    return f"127.0.1.{REGIONS.index(region) + 1}"


def region_at(address: str) -> str | None:
    """The region that a loopback address stands for; None for the one that stands for all."""
    prefix, _, last = address.rpartition(".")
    if prefix != "127.0.1" or not last.isdecimal() or not 1 <= int(last) <= len(REGIONS):
        return None
    return REGIONS[int(last) - 1]


def sandbox_key(region: str) -> str:
    """The access key of a function's sandbox: it says where the function's calls set out."""
    return _SANDBOX_KEY + region


def region_of_key(key: str) -> str | None:
    """The region whose sandboxes have this access key; None for anybody else's."""
    region = key.removeprefix(_SANDBOX_KEY)
    return region if region != key and region in REGIONS else None
