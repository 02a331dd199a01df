"""Identifiers that RDS makes up, and what a record of moto's is called here."""

from __future__ import annotations

import secrets
import string
from typing import Any

Record = Any
"""A ``DBInstance`` of moto's with the attributes that only we give it: DBInstance's class does not know them."""


def resource_id() -> str:
    """A DbiResourceId: unique in the region and for ever."""
    return "db-" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(26))
