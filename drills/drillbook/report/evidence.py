"""The evidence directory of one drill: everything a third party needs to recompute the verdict.

``events.jsonl`` and ``calls.jsonl`` grow while the drill runs, so that a killed drill leaves its trace; the rest is
written at the end, the manifest last. A directory without a manifest is a drill that did not finish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from drillbook.errors import UsageError
from drillbook.events import Event, EventKind, EventStream, Json
from drillbook.report import manifest, page, review, strict_json


@dataclass(frozen=True)
class Findings:
    """What a finished drill knows, as JSON. Holds no secret."""

    drill: Json
    """service, title, drill, feature, target, basis, run_id, speed, sabotage, blast_radius, versions, and ``run``: the
    judge's input (``Run.as_json``)."""
    result: Json
    """The drill's entry of results.json, without ``root``."""
    checks: Json = field(default_factory=list)
    """[{name, ok, detail}]"""
    configuration: Json = field(default_factory=list)
    """[{name, source, restored, differences: [{path, source, restored}]}]"""
    journal: Iterable[Json] = ()
    """One row a change: {id, at, change, state, target, ...}"""


class EvidenceWriter:
    """Writes one drill's directory. Not for two drills at once; ``finish`` ends it."""

    def __init__(self, directory: Path, events: EventStream) -> None:
        """Make ``directory`` (new or empty) and start to follow ``events``. Raises UsageError if it holds files."""
        self.directory = directory
        self._prepare()
        self._events: IO[str] = (directory / "events.jsonl").open("w", encoding="utf-8")
        self._calls: IO[str] = (directory / "calls.jsonl").open("w", encoding="utf-8")
        for event in events.events:
            self._append(event)
        events.listen(self._append)

    @property
    def history(self) -> Path:
        """Where the canary writes."""
        return self.directory / "history.jsonl"

    @property
    def final(self) -> Path:
        """Where the final state of every key goes."""
        return self.directory / "final.json"

    def finish(self, findings: Findings) -> str:
        """Write what is known at the end, the timeline, the page, the review and the manifest; return the root hash."""
        self.close()
        self._write("drill.json", findings.drill)
        self._write("verdict.json", findings.result)
        self._write("checks.json", findings.checks)
        self._write("configuration.json", findings.configuration)
        rows = "".join(strict_json.line(row) + "\n" for row in findings.journal)
        (self.directory / "journal.jsonl").write_text(rows, encoding="utf-8")
        page.write(self.directory)
        review.write(self.directory)
        return manifest.write(self.directory)

    def close(self) -> None:
        """Stop following events. What was written stays, also when the drill never finishes."""
        self._events.close()
        self._calls.close()

    def _prepare(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            occupied = any(self.directory.iterdir())
        except OSError as error:
            raise UsageError(
                f"evidence cannot be written to {self.directory}: {error.strerror}", do="name another --reports"
            ) from None
        if occupied:
            raise UsageError(f"{self.directory} already holds evidence", do="name another --reports directory")

    def _append(self, event: Event) -> None:
        if self._events.closed:
            return
        self._events.write(strict_json.line(event.as_json()) + "\n")
        self._events.flush()
        if event.kind is EventKind.CALL:
            self._calls.write(strict_json.line(event.as_json()) + "\n")
            self._calls.flush()

    def _write(self, name: str, value: Json) -> None:
        (self.directory / name).write_text(strict_json.document(value), encoding="utf-8")


def directory_name(service: str, drill: str) -> str:
    """What the evidence directory of a drill is called: two services may have a scenario of the same name."""
    return "-".join(slug(part) for part in (service, drill) if part)


def slug(name: str) -> str:
    """A drill's name as a directory name: lower-case words, in any script, joined by hyphens; at most 60 characters."""
    words = re.sub(r"[\W_]+", "-", name.casefold()).strip("-")
    return words[:60].rstrip("-") or "drill"
