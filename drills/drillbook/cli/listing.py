"""``drillbook list``: services, drills and sabotages, read from files only."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from drillbook import service as services
from drillbook.cli import features
from drillbook.cli.root import find_root
from drillbook.events import Json
from drillbook.units import duration_text


def show(given: Path | None, *, as_json: bool) -> None:
    """Print what can be run. Raises LocatedError for a service file or feature with a mistake."""
    root = find_root(given)
    entries = [_entry(root, path) for path in services.discover(root)]
    typer.echo(json.dumps({"services": entries}, indent=2) if as_json else "\n\n".join(map(_text, entries)))


def _entry(root: Path, path: Path) -> dict[str, Json]:
    service = services.load(path)
    return {
        "service": service.name,
        "title": service.title,
        "targets": list(service.targets),
        "objectives": {"rto": service.objectives.rto, "rpo": service.objectives.rpo},
        "steady_state": list(service.steady_state.sentences(service.canary.slow).values()),
        "drills": [drill.as_json() for drill in features.drills_of(root, service.name)],
        "sabotages": list(service.sabotages),
    }


def _text(entry: dict[str, Json]) -> str:
    promised = [
        f"{name.upper()} {duration_text(limit)}" for name, limit in entry["objectives"].items() if limit is not None
    ]
    lines = [f"{entry['service']} — {entry['title'] or 'no title'} ({', '.join([*entry['targets'], *promised])})"]
    lines += [f"  steady when {'; '.join(entry['steady_state'])}"] if entry["steady_state"] else []
    lines += [f"  {drill['drill']}  [{drill['place']}]" for drill in entry["drills"]] or ["  no drills yet"]
    if entry["sabotages"]:
        lines.append(f"  sabotages: {', '.join(entry['sabotages'])}")
    return "\n".join(lines)
