"""``drillbook heal``: restore what drills left broken, in a new process, from the journal alone."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import typer

from drillbook import side_by_side
from drillbook.cli.root import find_root
from drillbook.clock import Clock, SystemClock
from drillbook.errors import JournalError, Refused
from drillbook.events import Event, EventKind, EventStream
from drillbook.heal import HealResult
from drillbook.heal import heal as heal_journal
from drillbook.journal import Entry, Journal
from drillbook.world import World


def heal(given: Path | None, *, force: bool, as_json: bool) -> int:
    """Heal every open change of the repository. Returns 0 only if none remains, else 4.

    Raises Refused if a live run is at work and ``force`` is not given, JournalError if the journal is unreadable.
    """
    root = find_root(given)
    result = _heal(root, force=force, tell=not as_json)
    if as_json:
        typer.echo(json.dumps(result.as_json()))
    else:
        typer.echo(
            f"healed: {result.restored} restored, {result.remaining} remaining, {result.gone} gone with their world"
        )
        for error in result.errors:
            typer.echo(f"drillbook: {error}", err=True)
    return 0 if result.ok else JournalError.exit_code


def _heal(root: Path, *, force: bool, tell: bool) -> HealResult:
    """Every journal of the repository. A live run in one of them does not keep the others from being healed."""
    clock = SystemClock()
    events = EventStream(clock)
    if tell:
        events.listen(_tell)
    healed, refused = HealResult(), None
    for path in side_by_side.journals(root):
        try:
            healed = healed.and_also(_heal_journal(path, clock, events, force=force))
        except Refused as error:
            refused = refused or error
    if refused:
        raise refused
    return healed


def _heal_journal(path: Path, clock: Clock, events: EventStream, *, force: bool) -> HealResult:
    with Journal(path) as journal, ExitStack() as opened:

        def connect(entry: Entry) -> World | None:
            """One world at a time: while that of an emulated target is open, AWS cannot be reached."""
            from drillbook import targets

            opened.close()
            place = targets.Place(path.parent, entry.run_id, clock, events, journal)
            if world := targets.connect(entry, place=place):
                opened.callback(world.close)
            return world

        entries = journal.open_entries()
        result = heal_journal(journal, connect, clock, events, force=force)
        _clear_up(entries, journal)
        return result


def _clear_up(entries: list[Entry], journal: Journal) -> None:
    """Remove the work directories of the runs that are whole again, as those runs would have done themselves."""
    from drillbook import targets

    still_open = {entry.run_id for entry in journal.open_entries()}
    for entry in entries:
        if entry.run_id not in still_open:
            targets.remove_workdir(entry.target)


def _tell(event: Event) -> None:
    if event.kind is EventKind.JOURNAL:
        typer.echo(f"  {event.data.get('state')}: {event.name}")
    elif event.kind is EventKind.NOTE:
        typer.echo(f"  {event.name}")
