"""The result in a few lines: for the terminal, and for GitHub's step summary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from drillbook.events import Json
from drillbook.report.numbers import measured, without_numbers
from drillbook.report.wording import basis_sentence, is_actual, tally, verdict_sign


def terminal(entries: list[Json], report: str = "") -> str:
    """Plain text, no colours. ``report`` is where the run's page is."""
    lines = [f"drillbook: {tally(entry['verdict'] for entry in entries)}"]
    for entry in entries:
        lines += _drill_lines(entry)
    lines += [f"  note     {sentence}" for sentence in _basis_notes(entries)]
    if report:
        lines.append(f"  report   {report}")
    return "\n".join(lines)


def markdown(entries: list[Json], report: str = "") -> str:
    """A GitHub-flavoured table of all drills, with the causes of those that did not pass."""
    rows = [_markdown_row(entry) for entry in entries]
    causes = [
        f"- **{_cell(entry['drill'])}**: {_cell(cause)}"
        for entry in entries
        if entry["verdict"] != "PASS"
        for cause in entry.get("causes") or []
    ]
    head = [
        f"## Drills: {tally(entry['verdict'] for entry in entries)}",
        "",
        "| | Service | Drill | Measured | Basis |",
        "|---|---|---|---|---|",
    ]
    notes = [f"> {sentence}" for sentence in _basis_notes(entries)]
    tail = [f"Report: `{_cell(report)}`"] if report else []
    parts = ["\n".join(head + rows), "\n".join(causes), "\n".join(notes), *tail]
    return "\n\n".join(part for part in parts if part) + "\n"


def append_github_summary(environment: Mapping[str, str], entries: list[Json], report: str = "") -> bool:
    """Append to the file that ``GITHUB_STEP_SUMMARY`` names; False outside GitHub Actions.

    Source: docs.github.com, "Workflow commands for GitHub Actions", adding a job summary.
    """
    if not environment.get("GITHUB_STEP_SUMMARY"):
        return False
    with Path(environment["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(markdown(entries, report))
    return True


def _drill_lines(entry: Json) -> list[str]:
    verdict = str(entry["verdict"])
    name = " · ".join(str(entry[key]) for key in ("service", "drill") if entry.get(key))
    lines = [f"  {verdict_sign(verdict)} {verdict:<6} {name}", f"           {_numbers(entry, ' · ')}"]
    if verdict != "PASS":
        lines += [f"           cause: {cause}" for cause in entry.get("causes") or []]
    if entry.get("leftovers"):
        lines.append(f"           left over: {', '.join(map(str, entry['left_over']))}")
    return lines


def _numbers(entry: Json, between: str) -> str:
    return between.join(map(str, measured(entry))) or without_numbers(entry)


def _basis_notes(entries: list[Json]) -> list[str]:
    bases = dict.fromkeys(str(entry.get("basis", "")) for entry in entries)
    return [basis_sentence(basis) for basis in bases if basis and not is_actual(basis)]


def _markdown_row(entry: Json) -> str:
    verdict = f"{verdict_sign(entry['verdict'])} {entry['verdict']}"
    cells = [verdict, entry["service"], entry["drill"], _numbers(entry, "; "), entry.get("basis", "")]
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: object) -> str:
    return re.sub(r"([\\|<>`*_\[\]])", r"\\\1", " ".join(str(text).split()))
