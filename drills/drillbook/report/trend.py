"""The trend: one JSON line a drill and run, and the same numbers as Allure 3 performance metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from drillbook.clock import Clock, SystemClock, utc_text
from drillbook.events import Json
from drillbook.report import strict_json
from drillbook.report.evidence import slug

FIELDS = ("run_id", "service", "drill", "target", "basis", "verdict", "rto", "rpo", "root")


def append(path: Path, entries: list[Json], clock: Clock | None = None) -> None:
    """Append one line a drill to ``path`` (``<reports>/trend.jsonl``). Never rewrites earlier lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at = utc_text((clock or SystemClock()).now())
    rows = [{"at": at, **{field: entry.get(field) for field in FIELDS}} for entry in entries]
    with path.open("a", encoding="utf-8") as trend:
        trend.write("".join(strict_json.line(row) + "\n" for row in rows))


def read(path: Path) -> list[Json]:
    """The points, oldest first. A line torn by a crash is left out: a trend is a picture, not evidence."""
    if not path.exists():
        return []
    points = []
    for row in path.read_text(encoding="utf-8").splitlines():
        try:
            points.append(json.loads(row))
        except ValueError:
            continue
    return [point for point in points if isinstance(point, Mapping)]


def write_allure_metrics(directory: Path, entries: list[Json], clock: Clock) -> Path | None:
    """RTO and RPO (upper ends, seconds) for Allure 3, which reads any ``*-perf.json`` among the results.

    One key a drill (``drill.rto.<service>.<drill>``), because Allure averages over a key. A censored number is left
    out: it has no upper end. None if there is nothing to write.
    """
    moment = int(clock.now().timestamp() * 1000)
    metrics = [
        {"id": f"{key}-{moment}", "key": key, "value": round(entry[name]["hi"], 3), "start": moment, "stop": moment}
        for entry in entries
        for name in ("rto", "rpo")
        if (entry.get(name) or {}).get("hi") is not None
        for key in [f"drill.{name}.{slug(entry['service'])}.{slug(entry['drill'])}"]
    ]
    if not metrics:
        return None
    path = directory / f"{uuid4()}-perf.json"
    path.write_text(json.dumps(metrics), encoding="utf-8")
    return path
