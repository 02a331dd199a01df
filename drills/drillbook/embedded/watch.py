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
    idle_limit: float = IDLE
    owners: set[Process] = field(default_factory=set)
    journals: set[Path] = field(default_factory=set)
    kept: bool = False
    """Somebody asked for a cloud without owner: only ``drillbook cloud down`` or the idle limit ends it."""
    used: float = 0.0
    orphaned: float | None = None

    def add(self, owner: int | None, journal: Path | None) -> None:
        """Live as long as this process, too, and then until this journal is healed; None: live on without owner."""
        self.kept = self.kept or owner is None
        if owner is not None:
            self.owners.add(Process(owner, birth_of(owner) or ""))
        if journal is not None:
            self.journals.add(journal)

    def touch(self) -> None:
        """A request came in."""
        self.used = self.clock.monotonic()

    def reason_to_stop(self) -> str | None:
        now = self.clock.monotonic()
        if self.kept:
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
        try:
            return any(count_open(journal) for journal in self.journals)
        except JournalError:
            return True  # Whoever can read it may still want to heal.
