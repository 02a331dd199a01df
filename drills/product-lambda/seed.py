"""The products the catalogue starts with: a stand-in for what a customer would miss."""

from __future__ import annotations

from typing import Any

_KINDS = ("kettle", "lamp", "chair", "rug", "clock", "vase", "shelf", "mirror")
_LOOKS = ("plain", "blue", "oak", "brass", "small", "tall")


def products() -> dict[str, dict[str, Any]]:
    """48 products by id, as items of the table."""
    looks_and_kinds = [(look, kind) for look in _LOOKS for kind in _KINDS]
    return {
        f"seed-{number:03}": {
            "id": {"S": f"seed-{number:03}"},
            "name": {"S": f"{look} {kind}"},
            "price": {"N": f"{5 + number * 3 % 90}.{number % 10}9"},
        }
        for number, (look, kind) in enumerate(looks_and_kinds, start=1)
    }
