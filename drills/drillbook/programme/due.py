"""What is overdue, due, due soon, or done, from the programmes and past evidence.

Only a drill that passed is done. One that failed since is due at once, whatever its cadence; one that never passed is
overdue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from drillbook.clock import utc_text
from drillbook.errors import EvidenceError
from drillbook.events import Json
from drillbook.objective import Verdict
from drillbook.programme import file
from drillbook.programme.model import Programme
from drillbook.programme.past import Outing, Past

_NEAR = 0.2
"""A drill is due soon in this last part of its interval, and never earlier than its grace before it is due."""


class Standing(StrEnum):
    """Most pressing first."""

    OVERDUE = "overdue"
    DUE = "due"
    SOON = "soon"
    DONE = "done"


@dataclass(frozen=True)
class Line:
    """One drill of one programme. Moments are UTC; ``due`` is None for a drill that never passed."""

    programme: str
    service: str
    drill: str
    standing: Standing
    why: str
    passed: datetime | None = None
    due: datetime | None = None
    evidence: str = ""

    def as_json(self) -> dict[str, Json]:
        return {
            "programme": self.programme,
            "service": self.service,
            "drill": self.drill,
            "standing": str(self.standing),
            "why": self.why,
            "passed": self.passed and utc_text(self.passed),
            "due": self.due and utc_text(self.due),
            "evidence": self.evidence,
        }


def lines(root: Path, reports: Path, as_of: datetime) -> tuple[list[Line], list[str]]:
    """Every drill of every programme, the most pressing first; and which evidence was not believed, and why.

    Raises LocatedError for a mistake in the programmes' file or in a feature.
    """
    past = Past(reports)
    doubts = dict.fromkeys(past.unreadable)
    found = []
    for name, programme in file.load(root).items():
        if not programme.drills:
            continue
        for planned in file.drills_of(root, name):
            seen = _believed(past, past.of(planned.service, planned.drill.drill), programme, as_of, doubts)
            standing, why, passed, due = stand(programme, seen, as_of)
            evidence = str(passed.directory.relative_to(reports)) if passed else ""
            ended = passed.ended if passed else None
            found.append(Line(name, planned.service, planned.drill.drill, standing, why, ended, due, evidence))
    order = list(Standing)
    return sorted(found, key=lambda line: order.index(line.standing)), list(doubts)


def _believed(
    past: Past, outings: list[Outing], programme: Programme, as_of: datetime, doubts: dict[str, None]
) -> list[Outing]:
    """Those that count, newest first, down to the first that passed."""
    kept = []
    for outing in outings:
        if outing.ended > as_of or programme.target not in (None, outing.target):
            continue
        try:
            past.check(outing)
        except EvidenceError as error:
            doubts[str(error)] = None
            continue
        kept.append(outing)
        if outing.verdict == Verdict.PASS:
            break
    return kept


def stand(
    programme: Programme, seen: list[Outing], as_of: datetime
) -> tuple[Standing, str, Outing | None, datetime | None]:
    """How a drill stands: standing, why, when it passed last, when it is due. ``seen`` is newest first."""
    passed = next((outing for outing in seen if outing.verdict == Verdict.PASS), None)
    since = [outing for outing in seen if outing is not passed and outing.verdict != Verdict.NOT_SIMULATED]
    if since:
        return Standing.OVERDUE, f"the last run was {since[0].verdict}: due at once", passed, since[0].ended
    if passed is None:
        return Standing.OVERDUE, "has never passed", None, None
    due = programme.due_after(passed.ended)
    grace = timedelta(seconds=programme.grace)
    if as_of > due + grace:
        return Standing.OVERDUE, "its time, and the grace after it, have gone by", passed, due
    if as_of >= due:
        return Standing.DUE, "its time has come", passed, due
    if as_of >= due - min(grace, (due - passed.ended) * _NEAR):
        return Standing.SOON, "its time is near", passed, due
    return Standing.DONE, "has passed in time", passed, due
