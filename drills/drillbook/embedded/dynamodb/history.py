"""What a table held at any instant since its point-in-time recovery was switched on.

A state at the beginning and every change after it. Images are references to items that nobody changes any more (the
table replaces an item, it never edits one), so a change costs a tuple, and a restore no copying of attributes.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Generic, TypeVar

Key = TypeVar("Key")
Image = TypeVar("Image")


@dataclass
class History(Generic[Key, Image]):
    """Instants are UTC seconds since the epoch, and never decrease. Not safe for threads: the table's lock is."""

    since: float
    """The earliest instant that can be restored."""
    base: dict[Key, Image]
    """The state at ``since``."""
    changes: list[tuple[float, Key, Image | None]] = field(default_factory=list)
    """What was written later; None is a deletion."""

    def append(self, at: float, key: Key, image: Image | None) -> None:
        self.changes.append((at, key, image))

    def as_of(self, instant: float) -> dict[Key, Image]:
        """The state after every change up to and including ``instant``."""
        state = dict(self.base)
        for _, key, image in self.changes[: self._count_until(instant)]:
            if image is None:
                state.pop(key, None)
            else:
                state[key] = image
        return state

    def forget_before(self, instant: float) -> None:
        """Let ``instant`` be the earliest that can be restored: older changes become part of the beginning."""
        if instant > self.since:
            self.base = self.as_of(instant)
            del self.changes[: self._count_until(instant)]
            self.since = instant

    def _count_until(self, instant: float) -> int:
        return bisect_right(self.changes, instant, key=itemgetter(0))
