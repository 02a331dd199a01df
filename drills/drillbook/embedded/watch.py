"""Until when the embedded cloud lives: while it has an owner, while a journal needs it, or while it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from drillbook.clock import Clock
from drillbook.errors import JournalError
from drillbook.journal_file import count_open
from drillbook.liveness import Process, birth_of

GRACE = 3600.0
"""Seconds that open journal entries keep a cloud whose owners are gone: time enough for ``drillbook heal``."""
IDLE = 8 * 3600.0
"""Seconds without a request after which a cloud without owner stops."""


@dataclass
class Watch:
    """Times are monotonic seconds of ``clock``."""

    clock: Clock
    journal: Path | None
    idle_limit: float = IDLE
    owners: set[Process] = field(default_factory=set)
    owned: bool = False
    """Had an owner once. A cloud that never had one is ended by ``drillbook cloud down`` or by its idle limit."""
    used: float = 0.0
    orphaned: float | None = None

    def add(self, pid: int) -> None:
        """Live as long as this process, too. One that is gone already counts as an owner that died."""
        self.owned, self.orphaned = True, None
        self.owners.add(Process(pid, birth_of(pid) or ""))

    def release(self) -> None:
        """Live on without owners, by the idle limit."""
        self.owned = False
        self.owners.clear()

    def touch(self) -> None:
        """A request came in."""
        self.used = self.clock.monotonic()

    def reason_to_stop(self) -> str | None:
        now = self.clock.monotonic()
        if not self.owned:
            return f"idle for {self.idle_limit:g} s" if now - self.used > self.idle_limit else None
        self.owners = {owner for owner in self.owners if owner.alive}
        if self.owners:
            self.orphaned = None
            return None
        self.orphaned = now if self.orphaned is None else self.orphaned
        if now - self.orphaned < GRACE and self._needed_to_heal():
            return None
        return "its owner is gone"

    def _needed_to_heal(self) -> bool:
        if self.journal is None:
            return False
        try:
            return count_open(self.journal) > 0
        except JournalError:
            return True  # Whoever can read it may still want to heal.
