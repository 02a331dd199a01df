"""The page of one run: every drill in a line, with links to their pages, and how the numbers went over earlier runs."""

from __future__ import annotations

from html import escape
from pathlib import Path

from drillbook.events import Json
from drillbook.objective import Verdict, worst
from drillbook.report import numbers, page, trend, wording

NAME = "index.html"
POINTS = 40
"""Earlier runs drawn in a trend."""


def write(directory: Path, entries: list[Json]) -> Path:
    """Write ``index.html`` of the run in ``directory``; return its path. Earlier runs come from ``../trend.jsonl``."""
    directory.mkdir(parents=True, exist_ok=True)
    points = trend.read(directory.parent / "trend.jsonl")
    (directory / NAME).write_text(html(entries, run=directory.name, points=points), encoding="utf-8")
    return directory / NAME


def html(entries: list[Json], *, run: str, points: list[Json]) -> str:
    """The page as text. ``points`` are the lines of the trend, oldest first."""
    verdict = worst([Verdict(entry["verdict"]) for entry in entries])
    template = page.environment().get_template("index.html.j2")
    told = {"notes": _notes(entries), "services": _services(entries, points), "numbers": numbers}
    return template.render(entries=entries, run=run, verdict=str(verdict), **told)


def sparkline(values: list[float], objective: float | None) -> str:
    """RTO over the runs as a small SVG, oldest left, the objective as a dashed line. Empty with fewer than two runs."""
    if len(values) < 2:
        return ""
    top = max(max(values), 1e-9) * 1.15
    places = [(4 + 132 * number / (len(values) - 1), 30 - 26 * value / top) for number, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    limit = ""
    if objective is not None and objective <= top:
        height = 30 - 26 * objective / top
        limit = f'<line class="limit" stroke-dasharray="4 3" x1="0" y1="{height:.1f}" x2="140" y2="{height:.1f}"/>'
    words = escape(f"the last {len(values)} runs, latest {wording.seconds_text(values[-1])}")
    return (
        f'<svg class="spark" viewBox="0 0 140 34" role="img" aria-label="{words}"><title>{words}</title>{limit}'
        f'<polyline points="{line}"/><circle cx="{places[-1][0]:.1f}" cy="{places[-1][1]:.1f}" r="3"/></svg>'
    )


def _notes(entries: list[Json]) -> list[str]:
    bases = dict.fromkeys(str(entry.get("basis", "")) for entry in entries)
    return [wording.basis_sentence(basis) for basis in bases if not wording.is_actual(basis)]


def _services(entries: list[Json], points: list[Json]) -> dict[str, list[tuple[Json, list[numbers.Measured], str]]]:
    """By service, each drill with what was measured and its trend."""
    found: dict[str, list[tuple[Json, list[numbers.Measured], str]]] = {}
    for entry in entries:
        found.setdefault(str(entry["service"]), []).append((entry, numbers.measured(entry), _spark(entry, points)))
    return found


def _spark(entry: Json, points: list[Json]) -> str:
    """Of runs on the same basis: emulated and measured numbers do not mix."""
    return sparkline(_history(entry, points), (entry.get("rto") or {}).get("objective"))


def _history(entry: Json, points: list[Json]) -> list[float]:
    same = ("service", "drill", "target", "basis")
    alike = [point for point in points if all(point.get(name) == entry.get(name) for name in same)]
    uppers = [(point.get("rto") or {}).get("hi") for point in alike]
    return [float(upper) for upper in uppers if upper is not None][-POINTS:]
