"""What the habit tracker holds before a drill: users, their habits, and the session of the canary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

CANARY = "canary"
USERS = ("amal", "birgit", "chidi")
HABITS = ("read", "run", "sleep early", "water the plants")
NO_PASSWORD = b"\x00"
"""No password has this hash: seed users are read, they do not log in."""


def habits() -> dict[str, tuple[str, str]]:
    """User and name of each seed habit, by its id."""
    return {f"{user}-{number}": (user, name) for user in USERS for number, name in enumerate(HABITS, 1)}


def statements(session: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """SQL that fills the database, however often; ``session`` is the canary's token."""
    for user in (CANARY, *USERS):
        yield (
            "insert into auth_user (username, salt, password) values (%s, %s, %s) on conflict do nothing",
            (user, NO_PASSWORD, NO_PASSWORD),
        )
    yield "delete from auth_session where username = %s", (CANARY,)
    digest = hashlib.sha256(session.encode()).hexdigest()
    yield "insert into auth_session (digest, username) values (%s, %s)", (digest, CANARY)
    for habit, (user, name) in habits().items():
        yield (
            "insert into habit (id, username, name, frequency) values (%s, %s, %s, 'daily') on conflict do nothing",
            (habit, user, name),
        )
