"""The big numbers at the top of a drill's page: what a manager reads first. Which there are depends on the drill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drillbook.events import Json
from drillbook.report import wording
from drillbook.report.story import Story

NO_FAULT = "no-fault"
"""The judge's state of an RTO where nothing struck."""


@dataclass(frozen=True)
class Card:
    """``interval`` and ``objective`` are drawn as a bar, if there are both."""

    title: str
    value: str
    beside: str
    interval: Json = None
    objective: float | None = None
    unit: str = "s"
    verdict: str = ""


def cards(story: Story) -> list[Card]:
    """Of a failover RTO, RPO, losses, outage; of a cut-over its own; of a drill without a fault what it showed."""
    struck = bool(story.result.get("rto")) and story.result["rto"].get("state") != NO_FAULT
    if struck:
        return [_rto(story), _rpo(story), _losses(story), _outage(story), *_cut_over(story)]
    if story.is_measured and story.record.seen:
        return [*_without_fault(story), _losses(story), _answered(story)]
    return list(_without_fault(story)) or [Card("Measured", "nothing", "the drill ended before anything was measured")]


def _rto(story: Story) -> Card:
    interval = story.result["rto"]
    beside = {
        "no-impact": "the client saw no bad answer after the fault",
        "not-recovered": "not seen to recover before the drill ended",
        "unobserved": "nothing the client saw tells when service was restored",
    }.get(str(interval.get("state")), "from the fault until the client was served again")
    return _judged(story, "Time to recovery · RTO", "RTO", interval, beside)


def _rpo(story: Story) -> Card:
    beside = "age of the oldest acknowledged write that was lost"
    if not (story.result.get("loss") or {}).get("lost_before"):
        beside = "nothing acknowledged before the fault was lost; the canary's beat bounds the claim"
    return _judged(story, "Data loss window · RPO", "RPO", story.result.get("rpo") or {}, beside)


def _losses(story: Story) -> Card:
    counted = story.result.get("loss") or {}
    beside = f"of {counted.get('acknowledged', 0):,} acknowledged"
    if story.gone_during:
        beside += f"; {story.gone_during:,} of them during the outage"
    return Card("Acknowledged writes lost", f"{story.gone:,}", beside)


def _outage(story: Story) -> Card:
    told = story.result.get("windows") or {}
    value = wording.interval_text(told.get("total")) if story.windows else "never"
    return Card("Unavailable to the client", value, f"in {wording.count_text(len(story.windows), 'window')}")


def _cut_over(story: Story) -> Iterator[Card]:
    if told := story.result.get("cut_over"):
        windows = wording.count_text(len(told.get("windows") or []), "window")
        interruption, lost = told.get("interruption") or {}, told.get("lost") or {}
        kind = "interruption by the cut-over"
        yield _judged(story, "Interruption by the cut-over", kind, interruption, f"kept from the service in {windows}")
        beside = f"of {told.get('acknowledged', 0):,} acknowledged since the failover"
        yield _judged(story, "Lost between the cut-overs", "writes lost between the cut-overs", lost, beside, "writes")


def _without_fault(story: Story) -> Iterator[Card]:
    """Nothing struck: what was checked, and how long each plan took."""
    if story.checks:
        good = sum(check["ok"] is True for check in story.checks)
        yield Card("Checks that hold", f"{good} of {len(story.checks)}", "contents, counts, configuration, durations")
    for run in story.runs:
        beside = f"“{run.plan}”, {wording.count_text(len(run.steps), 'step')}"
        yield Card(_told_of("Plan took", story), wording.seconds_text(run.seconds), beside)


def _answered(story: Story) -> Card:
    seen = story.record.seen
    good = sum(each.good for each in seen)
    share = f"{good / len(seen):.2%}" if seen else "none"
    return Card("Answered well", share, f"{good:,} of {wording.count_text(len(seen), 'request')}")


def _judged(story: Story, title: str, kind: str, interval: Json, beside: str, unit: str = "s") -> Card:
    judged: Json = next((objective for objective in story.objectives if objective.get("kind") == kind), {})
    return Card(
        title=_told_of(title, story) if unit == "s" else title,
        value=wording.measured_text(interval, unit),
        beside=beside,
        interval=interval,
        objective=interval.get("objective"),
        unit=unit,
        verdict=str(judged.get("verdict", "")),
    )


def _told_of(title: str, story: Story) -> str:
    """A duration that was not measured on AWS never stands there as an actual one."""
    if story.actual or not story.basis:
        return title
    told = {"measured-local": "measured locally", "measured-localstack": "measured on LocalStack"}
    return f"{title}, {told.get(story.basis, story.basis)}"
