"""A post-incident review, written from the evidence: what happened, what it cost, what held, and what to do.

It tells what was measured and derives what follows; what only people know (root cause, owners, dates) it leaves to
them, marked as such. ``so_far`` writes it while the drill is still under way, for a check or a communicate step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.objective import Verdict
from drillbook.report import record, wording
from drillbook.report.findings import Finding, findings
from drillbook.report.happened import happenings
from drillbook.report.story import Story

if TYPE_CHECKING:
    from drillbook.world import World

NAME = "review.md"
PEOPLE = "*to be filled in by people*"
_LOST = ("lost", "stale", "resurrected")
"""The judge's labels of a write without its effect."""


def write(directory: Path) -> Path:
    """Write ``review.md`` from the evidence in ``directory``. Raises EvidenceError if that is malformed."""
    path = directory / NAME
    path.write_text(markdown(record.read(directory)), encoding="utf-8", errors="replace")
    return path


def so_far(world: World) -> str:
    """The review of the drill under way. Impact, loss and objectives are known once an objective has been asked for."""
    return markdown(record.so_far(world))


def markdown(evidence: record.Record) -> str:
    """The review as Markdown. Times of day are UTC."""
    story = Story(evidence)
    found = findings(story)
    parts = [
        _head(story),
        _section("Summary", _summary(story)),
        _section("Timeline (UTC)", _timeline(evidence)),
        _section("Impact", _impact(story)),
        _section("Objectives", _objectives(story)),
        _section("Detection, decision, recovery", _durations(story)),
        _section("What went well", _bullets(each.what for each in found if each.good)),
        _section("What did not", _bullets(each.what for each in found if not each.good)),
        _section("Open questions", _questions(story)),
        _section("Action items", _actions(found)),
        _section("Runbook updates", _bullets(dict.fromkeys(each.runbook for each in found if each.runbook))),
    ]
    return "\n\n".join(parts) + "\n"


def _head(story: Story) -> str:
    told = [
        ("Service", story.service),
        *story.facts,
        ("Verdict", story.verdict if story.is_over else "still under way"),
    ]
    note = "" if story.actual else f"> {story.basis_sentence}\n\n"
    title = f"# Post-incident review: {_plain(story.name)}\n\n"
    return title + note + "\n".join(_table(("", ""), [*told, ("Reviewed by", PEOPLE)]))


def _summary(story: Story) -> Iterator[str]:
    struck = " and ".join(f"“{fault}”" for fault in story.faults)
    began = story.record.instants.get("t_inject")
    if began is None:
        yield f"No fault struck {story.service}: this was an exercise of checks and plans."
    else:
        yield f"At {story.record.utc(began)} {struck or 'a fault'} struck {story.service}."
    if story.detected_by:
        name, after = story.detected_by
        yield f"“{name}” noticed it after {wording.seconds_text(after)}."
    if story.runs:
        yield f"Run to recover: {', '.join(f'“{run.plan}”' for run in story.runs)}."
    yield from _outcome(story)


def _outcome(story: Story) -> Iterator[str]:
    if story.is_over and story.verdict in (Verdict.INVALID, Verdict.NOT_SIMULATED):
        yield f"{story.verdict}: {wording.MEANINGS[Verdict(story.verdict)]}"
        return
    if rto := story.result.get("rto"):
        if rto.get("state") == "recovered":
            yield f"The service was back {wording.interval_text(rto)} after the fault."
        elif rto.get("state") == "no-impact":
            yield "Clients saw no bad answer after the fault."
        elif rto.get("state") == "not-recovered":
            yield "The service was not seen to come back."
    if story.is_measured:
        lost = wording.count_text(story.gone, "acknowledged write") if story.gone else "No acknowledged write"
        yield f"{lost} {'were' if story.gone > 1 else 'was'} lost."


def _timeline(evidence: record.Record) -> Iterator[str]:
    told = happenings(evidence)
    if not told:
        yield "Nothing was recorded."
        return
    day = told[0].utc[:10]
    yield f"Times of day are of {day}, but where another day is told."
    yield ""
    rows = [(_time(each.utc, day), wording.offset_text(each.at), each.what) for each in told]
    yield from _table(("UTC", f"from {Story(evidence).since}", "what happened"), rows)


def _time(utc: str, day: str) -> str:
    date, _, time = utc.removesuffix("Z").partition("T")
    return time if date == day else f"{date} {time}"


def _impact(story: Story) -> Iterator[str]:
    if not story.result.get("windows"):
        yield "Not measured: no client's view was judged by the time this was written."
        return
    windows = story.result["windows"]
    yield f"- Unavailable to clients: {_total(windows)}"
    yield from (f"  - {_at(story, each['start'], 'lo')} to {_at(story, each['end'], 'hi')}" for each in windows["each"])
    if during := (story.result.get("answered") or {}).get("during"):
        asked = sum(during.values())
        share = f" ({during['bad'] / asked:.0%})" if asked else ""
        yield f"- Requests answered badly until the service was back: {during['bad']} of {asked}{share}"
    loss = story.result.get("loss") or {}
    if cut := story.result.get("cut_over"):
        kept, lost = wording.interval_text(cut["interruption"]), wording.measured_text(cut["lost"], "writes")
        yield f"- By the planned cut-over: kept from the service for {kept}, {lost} lost"
    yield f"- Acknowledged writes lost: {story.gone} of {loss.get('acknowledged', 0)}"
    yield from (_loss(found) for found in story.examples if found["label"] in _LOST)


def _total(windows: dict[str, object]) -> str:
    return wording.interval_text(windows["total"]) if windows["each"] else "never, as far as was seen"


def _loss(found: dict[str, object]) -> str:
    return f"  - {found['record']}, version {found['version']} ({found['label']}), acknowledged {found['acknowledged']}"


def _at(story: Story, bound: dict[str, float | None], end: str) -> str:
    at = bound.get(end)
    return "an unknown moment" if at is None else story.record.utc(at)


def _objectives(story: Story) -> Iterator[str]:
    if not story.objectives:
        yield "None was judged by the time this was written."
        return
    rows = [
        (
            each["kind"],
            wording.limit_text(each["limit"], each["unit"]),
            wording.measured_text(each["measured"], each["unit"]),
            each["verdict"],
        )
        for each in story.objectives
    ]
    yield from _table(("objective", "allowed", "measured", "verdict"), rows)


def _durations(story: Story) -> Iterator[str]:
    phases = [(name, wording.seconds_text(value)) for name, value in story.phases if value is not None]
    if phases:
        yield from _table(("phase", "took"), phases)
        yield ""
    rows = [
        (step["plan"], step["name"], wording.seconds_text(step["seconds"]), _budget(step), step["outcome"])
        for step in story.steps
    ]
    yield from _table(("plan", "step", "took", "budget", "outcome"), rows) if rows else ["No plan was run."]


def _budget(step: dict[str, object]) -> str:
    budget = step.get("budget")
    return wording.seconds_text(budget) if isinstance(budget, int | float) else "none"


def _questions(story: Story) -> Iterator[str]:
    yield f"- Root cause: {PEOPLE}" + (" (in this drill the fault was injected)" if story.faults else "")
    yield f"- Could it have been noticed earlier, or prevented? {PEOPLE}"
    yield f"- Were customers told in time and truly? {PEOPLE}"
    if story.gone:
        yield f"- Who owns the lost records, and how are they entered again? {PEOPLE}"


def _actions(found: Sequence[Finding]) -> Iterator[str]:
    actions = dict.fromkeys(each.do for each in found if each.do)
    rows = [(number, action, PEOPLE, PEOPLE) for number, action in enumerate(actions, 1)]
    yield from _table(("#", "action", "owner", "due"), rows) if rows else ["None follows from the evidence."]


def _section(title: str, lines: Iterable[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines)


def _bullets(lines: Iterable[str]) -> Iterator[str]:
    told = [f"- {_plain(line)}" for line in lines]
    yield from told or ["Nothing that the evidence shows."]


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    yield from (f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows)


def _plain(cell: object) -> str:
    """On one line, with nothing that Markdown or HTML would take for its own."""
    text = " ".join(str(cell).split()).replace("\\", "\\\\").replace("|", "\\|")
    return text.replace("&", "&amp;").replace("<", "&lt;")
