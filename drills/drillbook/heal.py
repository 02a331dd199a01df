"""Put the world back as it was before the drill, from the journal alone: in the drill's own process, or in a new one
after a kill, days later.

What keeps others from being undone, such as a lost region, comes first; then the latest change. Each is restored, read
back, and only then written off. A change whose ``apply`` was not seen to end may still have a call in flight, which can
land *after* a restore that read back well. Such a change is therefore left alone for its settle time first, and read
once more a settle time later.

The healer may itself be killed at any instant: whatever it had not written off, the next one does again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drillbook.catalogue import OBSTRUCTING
from drillbook.clock import Clock
from drillbook.errors import FaultError, Refused
from drillbook.events import EventKind, EventStream, Json
from drillbook.fault import Change
from drillbook.journal import Entry, Journal, RunRecord, State
from drillbook.redaction import redact
from drillbook.units import duration_text
from drillbook.waiting import wait_for
from drillbook.world import World

Connect = Callable[[Entry], World | None]
"""Reaches the world of an entry; None if it no longer exists. Raises if it cannot be reached now."""
Rebuild = Callable[[World, str, Mapping[str, Json]], Change]
"""Makes the change again from its factory's name and its settings."""

READ_BACK = 60.0
"""Seconds to keep trying a restore that fails temporarily, and again for its effect to be read back."""
_AGAIN = 2.0
"""Seconds after which a restore that is not read back is made again: what was under way may have undone it, such as
data that another region sends as soon as it is back."""
_ROUNDS = 3
"""How often a late call may undo a restore before we say that something else is at work."""


@dataclass(frozen=True)
class HealResult:
    """How many changes were restored, closed because their world is gone, and are still open, with why."""

    restored: int = 0
    gone: int = 0
    remaining: int = 0
    errors: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.remaining == 0

    def and_also(self, other: HealResult) -> HealResult:
        """The sum of two."""
        return HealResult(
            self.restored + other.restored,
            self.gone + other.gone,
            self.remaining + other.remaining,
            self.errors + other.errors,
        )

    def as_json(self) -> dict[str, Json]:
        return {
            "restored": self.restored,
            "remaining": self.remaining,
            "gone": self.gone,
            "errors": list(self.errors),
        }


def heal(
    journal: Journal,
    connect: Connect,
    clock: Clock,
    events: EventStream,
    *,
    run_id: str | None = None,
    force: bool = False,
    rebuild: Rebuild | None = None,
) -> HealResult:
    """Restore every open change, or those of one run, latest first. One that fails does not stop the others.

    Raises Refused by the journal rail if another live process is in the middle of such a run (unless ``force``: then
    end that process first, for what it does next is not healed), or if another process is healing.
    """
    entries = journal.open_entries(run_id)
    if not force:
        _refuse_the_living(journal, entries)
    if not entries:
        return HealResult()
    with journal.healing():
        # Whoever made these changes is dead, or is this process, which waits here: from now on all is quiet.
        journal.found_quiet([entry for entry in entries if not _being_made(journal, entry)], clock)
        healer = _Healer(journal, connect, clock, events, rebuild or _from_service)
        for entry in sorted(journal.open_entries(run_id), key=lambda each: each.factory not in OBSTRUCTING):
            healer.heal(entry)
    return healer.result()


def heal_one(
    journal: Journal, entry: Entry, world: World, events: EventStream, *, rebuild: Rebuild | None = None
) -> None:
    """Undo one applied change of the process's own run now, out of turn, while the drill goes on.

    Raises FaultError if a later change of the same thing is open, which would have to be undone first, or if the change
    cannot be read back as restored; it then stays open for ``heal``.
    """
    later = [other for other in journal.open_entries(entry.run_id) if other.id > entry.id]
    if upon := next((other for other in later if other.overlaps(entry)), None):
        raise FaultError(
            f"{entry.what}: cannot be undone yet, since {upon.what} came after it and touches the same",
            do="end the fault before that step, or leave it to the healing at the end of the drill",
        )
    with journal.healing():
        healer = _Healer(journal, lambda _: world, events.clock, events, rebuild or _from_service)
        healer.restore_applied(entry, world)


def _refuse_the_living(journal: Journal, entries: list[Entry]) -> None:
    if busy := next((run for entry in entries if (run := _being_made(journal, entry))), None):
        raise Refused(
            "journal",
            f"run {busy.run_id} is at work in process {busy.process.pid}",
            do="interrupt that process, which then heals; or end it and run: drillbook heal --force",
        )


def _being_made(journal: Journal, entry: Entry) -> RunRecord | None:
    """The run of ``entry`` if another process is in the middle of it."""
    run = journal.run(entry.run_id)
    return run if run and run.at_work_elsewhere else None


def _from_service(world: World, factory: str, settings: Mapping[str, Json]) -> Change:
    from drillbook.service_actions import rebuild_change

    return rebuild_change(world, factory, settings)


@dataclass
class _Healer:
    journal: Journal
    connect: Connect
    clock: Clock
    events: EventStream
    rebuild: Rebuild
    restored: int = 0
    gone: int = 0
    failed: list[Entry] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def result(self) -> HealResult:
        return HealResult(self.restored, self.gone, len(self.failed), tuple(self.errors))

    def heal(self, entry: Entry) -> None:
        """Restore one change, and write it off if nothing stands against that."""
        try:
            self._restore(entry)
        except Exception as error:  # noqa: BLE001 - whatever one change's restore does, the others have their turn
            self._keep(entry, redact(f"{entry.what}: {error or type(error).__name__}"))

    def _restore(self, entry: Entry) -> None:
        world = self.connect(entry)
        if world is None:
            self.gone += 1
            self.journal.move(entry, State.GONE, self.events)
            return
        if entry.state is State.APPLIED:
            self.restore_applied(entry, world)
            return
        self._restore_until_settled(self.rebuild(world, entry.factory, entry.settings), entry)
        self._write_off(entry)

    def restore_applied(self, entry: Entry, world: World) -> None:
        """Restore a change that is known to have been made whole, and write it off. Raises if it cannot be."""
        self._restore_and_read_back(self.rebuild(world, entry.factory, entry.settings), entry)
        self._write_off(entry)

    def _write_off(self, entry: Entry) -> None:
        """Close a restored change, unless a later change of the same thing could not be restored.

        The next heal restores that later one first, to a state which this one must then undo again.
        """
        later = next((other for other in self.failed if other.overlaps(entry)), None)
        if later:
            self._keep(entry, f"{entry.what}: restored, and to be restored again after {later.what}")
            return
        self.restored += 1
        self.journal.move(entry, State.HEALED, self.events)

    def _keep(self, entry: Entry, why: str) -> None:
        self.failed.append(entry)
        self.errors.append(why)
        self.events.emit(EventKind.NOTE, f"not healed: {why}", id=entry.id)

    def _restore_until_settled(self, change: Change, entry: Entry) -> None:
        quiet_for = entry.quiet.age(self.clock) if entry.quiet else 0.0
        self._let_settle(entry, entry.settle - quiet_for)
        for _ in range(_ROUNDS):
            self._restore_and_read_back(change, entry)
            self._let_settle(entry, entry.settle)
            if self._still_restored(change, entry):
                return
            self.events.emit(EventKind.NOTE, f"a late call undid the restore of: {entry.what}", id=entry.id)
        raise FaultError(
            f"was restored {_ROUNDS} times and did not stay so", do="see what else changes it, then heal again"
        )

    def _let_settle(self, entry: Entry, seconds: float) -> None:
        if seconds > 0:
            told = f"waiting {duration_text(seconds)} for calls that may be in flight: {entry.what}"
            self.events.emit(EventKind.NOTE, told, id=entry.id, seconds=seconds)
            self.clock.sleep(seconds)

    def _restore_and_read_back(self, change: Change, entry: Entry) -> None:
        """Restore, trying again while that fails temporarily, and wait until the world reads as before."""
        restored_at = 0.0

        def restore() -> bool:
            nonlocal restored_at
            change.restore(entry.before)
            restored_at = self.clock.monotonic()
            return True

        def is_restored() -> bool:
            if change.restored(entry.before):
                return True
            if self.clock.monotonic() - restored_at >= _AGAIN:
                restore()
            return False

        wait_for(f"the restore of {entry.what}", restore, timeout=READ_BACK, clock=self.clock, interval=1.0)
        wait_for(
            f"reading back that {entry.what} is restored",
            is_restored,
            timeout=READ_BACK,
            clock=self.clock,
            do="look at the target; what drillbook would put back stands in the journal",
        )

    def _still_restored(self, change: Change, entry: Entry) -> bool:
        """One reading, whatever it says; only a reading that fails temporarily is taken again."""
        return wait_for(
            f"reading {entry.what} once more",
            lambda: change.restored(entry.before),
            timeout=READ_BACK,
            clock=self.clock,
            until=lambda _: True,
        )
