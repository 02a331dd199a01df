"""``drillbook programme list|show`` and ``drillbook due``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import typer

from drillbook.cli.root import find_root
from drillbook.clock import SystemClock, utc_text
from drillbook.errors import UsageError
from drillbook.events import Json
from drillbook.programme import due as dates
from drillbook.programme import file
from drillbook.programme.due import Line, Standing
from drillbook.programme.model import Programme
from drillbook.units import duration_text

OVERDUE = 1
_SIGNS = {Standing.OVERDUE: "✗", Standing.DUE: "!", Standing.SOON: "…", Standing.DONE: "✓"}


def list_(given: Path | None, *, as_json: bool) -> None:
    """Print every programme. Raises LocatedError for a mistake in the file, UsageError if there is none."""
    root = find_root(given)
    entries = [_entry(root, name, programme) for name, programme in file.load(root).items()]
    typer.echo(json.dumps({"programmes": entries}, indent=2) if as_json else "\n\n".join(map(_text, entries)))


def show(given: Path | None, name: str, *, as_json: bool) -> None:
    """Print one programme. Raises UsageError for an unknown one."""
    root = find_root(given)
    entry = _entry(root, name, file.find(root, name))
    typer.echo(json.dumps(entry, indent=2) if as_json else _text(entry))


def due(given: Path | None, *, as_of: str | None, reports: Path | None, as_json: bool) -> int:
    """Print what is overdue, due, due soon and done; 1 if something is overdue, else 0.

    Raises UsageError for what is no date, or a reports directory that is not there.
    """
    root = find_root(given)
    if reports is not None and not reports.is_dir():
        raise UsageError(f"there is no folder {reports}", do="name the folder with the reports")
    moment = _moment(as_of)
    lines, doubts = dates.lines(root, reports or root / "reports", moment)
    if as_json:
        told = {"as_of": utc_text(moment), "drills": [line.as_json() for line in lines], "not_believed": doubts}
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo(_table(lines))
        for doubt in doubts:
            typer.echo(f"drillbook: does not count: {doubt}", err=True)
    return OVERDUE if any(line.standing is Standing.OVERDUE for line in lines) else 0


def _moment(text: str | None) -> datetime:
    """A date means its end: what was done that day counts. Without a zone, UTC."""
    if text is None:
        return SystemClock().now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date", do="write for example 2026-03-01 or 2026-03-01T12:00:00Z") from None
    if len(text) <= len("2026-03-01"):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _entry(root: Path, name: str, programme: Programme) -> dict[str, Json]:
    drills = file.drills_of(root, name) if programme.drills else []
    return {
        "programme": name,
        "title": programme.title,
        "owner": programme.owner,
        "cadence": programme.cadence,
        "grace": programme.grace,
        "target": programme.target,
        "drills": [{"service": each.service, **each.drill.as_json()} for each in drills],
    }


def _text(entry: dict[str, Json]) -> str:
    facts = [entry["cadence"], f"grace {duration_text(entry['grace']) or 'none'}", entry["owner"], entry["target"]]
    lines = [f"{entry['programme']} — {entry['title'] or 'no title'} ({', '.join(filter(None, facts))})"]
    lines += [f"  {drill['service']} · {drill['drill']}  [{drill['place']}]" for drill in entry["drills"]]
    return "\n".join(lines if entry["drills"] else [*lines, "  no drills yet"])


def _table(lines: Iterable[Line]) -> str:
    head = ("", "standing", "programme", "drill", "last passed", "due", "why")
    rows = [head, *map(_row, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(line: Line) -> tuple[str, ...]:
    drill = f"{line.service} · {line.drill}"
    return (
        _SIGNS[line.standing],
        str(line.standing),
        line.programme,
        drill,
        _day(line.passed),
        _day(line.due),
        line.why,
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%MZ}" if moment else "–"
