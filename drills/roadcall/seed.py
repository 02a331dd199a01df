"""What the service starts with: users, vendors, and incidents that both stores know."""

from __future__ import annotations

import hashlib
from typing import Any

Item = dict[str, dict[str, str]]
AREAS = ("north", "south", "east", "west", "harbour", "airport")
FEE_CENTS = 9500
PIN = "0000"


def vendors() -> list[Item]:
    return [_item(id=f"vendor-{area}", name=f"{area} recovery", area=area) for area in AREAS]


def users() -> list[Item]:
    """Ten drivers; every one has the PIN 0000."""
    return [_user(number) for number in range(1, 11)]


def incidents() -> list[dict[str, Any]]:
    """Twenty-four open ones: id, user, vendor, note."""
    return [
        {
            "id": f"seed-{number:03}",
            "user": f"driver-{number % 10 + 1:02}",
            "vendor": f"vendor-{AREAS[number % len(AREAS)]}",
            "note": f"flat tyre at mile {number}",
        }
        for number in range(1, 25)
    ]


def incident_items() -> list[Item]:
    return [
        _item(id=one["id"], reporter=one["user"], vendor=one["vendor"], note=one["note"], status="open")
        | {"revision": {"N": "1"}}
        for one in incidents()
    ]


def calls() -> list[Item]:
    return [
        _item(id=f"call-{one['id']}", incident=one["id"], recording=f"calls/call-{one['id']}.txt")
        for one in incidents()[:6]
    ]


def _user(number: int) -> Item:
    salt = f"{number:016x}"
    proof = hashlib.scrypt(PIN.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()
    return _item(id=f"driver-{number:02}", name=f"Driver {number}", salt=salt, proof=proof)


def _item(**values: str) -> Item:
    return {name: {"S": value} for name, value in values.items()}
