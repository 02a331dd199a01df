"""The results of one run, gathered from the evidence of its drills: for drills that other processes have run.

Also a drill whose process was killed has an entry: it is INVALID, and says so.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from drillbook.events import EventKind, Json
from drillbook.objective import Verdict
from drillbook.report import manifest, results, strict_json

CAUSE = "the process that ran the drill ended before the drill did; what it changed may still be in place"


def gather(run: Path) -> list[dict[str, Json]]:
    """An entry for each drill in the run's directory, in the order of their run ids. Raises EvidenceError if one that
    finished cannot be read."""
    found = [_entry(path.parent) for path in run.glob("*/events.jsonl")]
    return sorted(found, key=lambda entry: (_number(str(entry.get("run_id", ""))), str(entry["evidence"])))


def _entry(directory: Path) -> dict[str, Json]:
    if not (directory / manifest.NAME).exists():
        return _unfinished(directory)
    told: dict[str, Json] = strict_json.read(directory / "verdict.json")
    root = strict_json.read(directory / manifest.NAME)["root"]
    return told | {"run_id": strict_json.read(directory / "drill.json")["run_id"], "root": root}


def _unfinished(directory: Path) -> dict[str, Json]:
    began = _began(directory / "events.jsonl")
    about = {**began, "drill": began.get("name", directory.name)}
    judged = {"verdict": str(Verdict.INVALID), "causes": [CAUSE]}
    return results.entry(
        about, judged, left_over=[], evidence=directory.name, run_id=str(began.get("run_id", "")), root=None
    )


def _began(events: Path) -> dict[str, Json]:
    """What the drill said when it began. A line torn by the kill says nothing."""
    for row in events.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event: dict[str, Json] = json.loads(row)
        except ValueError:
            continue
        if event.get("kind") == EventKind.STARTED:
            return event
    return {}


def _number(run_id: str) -> tuple[int, int]:
    """The drill's place in its run; one that does not know it comes last."""
    found = re.search(r"-(\d+)$", run_id)
    return (0, int(found.group(1))) if found else (1, 0)
