"""What people are told in an incident, from what is known by then: texts for notices, status pages and tickets.

For communicate steps of a plan: ``notice.notice_step(world, …, lambda: notices.failover_complete(world, …))``.
Before the judge has measured, times are the drill's own and the loss is an estimate, and the text says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from drillbook.clock import utc_at, utc_text
from drillbook.report import record, wording
from drillbook.report.story import Story
from drillbook.units import duration_text

if TYPE_CHECKING:
    from drillbook.world import World

AFTERWARDS = "monitor for 24 h; plan the failback when the lost region is back"


def incident_declared(world: World, what: str, *, region: str) -> str:
    """That an incident is open: what is known, since when, and where the service is being recovered (``region``)."""
    story = Story(record.so_far(world))
    struck = story.record.instants.get("t_inject")
    lines = [
        f"{story.service}: {what}",
        f"- Since: {story.record.utc(struck) if struck is not None else 'unknown'}",
        f"- Noticed by: {story.detected_by[0] if story.detected_by else 'a person'}",
        f"- Now: recovering in {region}",
    ]
    return "\n".join(lines)


def failover_complete(world: World, *, region: str, recovery_point: datetime | None = None) -> str:
    """That the service is back in ``region``: started, completed, downtime, RPO achieved, estimated loss, next steps.

    ``recovery_point`` is the time (UTC) up to which data was restored, where the recovery knows it; the age of the
    newest data lost is estimated from it until the judge has measured. Durations are of the drill's monotonic clock.
    """
    story = Story(record.so_far(world))
    lines = [
        f"DR failover complete: {story.service} is operational in {region}",
        f"- Failover initiated at: {_moment(story, 't_exec0')}",
        f"- Failover completed at: {utc_text(world.clock.now())}",
        f"- Total downtime: {_downtime(story, world)}",
        f"- RPO achieved: {_rpo(story, world, recovery_point)}",
        f"- Estimated data loss: {_loss(story, world, recovery_point)}",
        "- Current status: operational",
        f"- Region: {region}",
        f"- Next steps: {AFTERWARDS}",
    ]
    return "\n".join(lines) + _basis(story)


def _moment(story: Story, instant: str) -> str:
    at = story.record.instants.get(instant)
    return "unknown" if at is None else story.record.utc(at)


def _downtime(story: Story, world: World) -> str:
    if rto := story.result.get("rto"):
        return wording.interval_text(rto)
    struck = story.record.instants.get("t_inject")
    return "unknown" if struck is None else f"at most {duration_text(world.clock.monotonic() - struck)} so far"


def _rpo(story: Story, world: World, recovery_point: datetime | None) -> str:
    if rpo := story.result.get("rpo"):
        return wording.interval_text(rpo)
    age = _age(story, world, recovery_point)
    return "not yet measured" if age is None else f"{duration_text(age)}, estimated from the recovery point"


def _loss(story: Story, world: World, recovery_point: datetime | None) -> str:
    if story.is_measured:
        return wording.count_text(story.gone, "acknowledged write")
    age = _age(story, world, recovery_point)
    if age is None or recovery_point is None:
        return "not yet known"
    return f"what was written in the last {duration_text(age)} before the outage, after {utc_text(recovery_point)}"


def _age(story: Story, world: World, recovery_point: datetime | None) -> float | None:
    """Seconds from the recovery point to the fault; not below none, whatever the clocks of two regions say."""
    struck = story.record.instants.get("t_inject")
    if struck is None or recovery_point is None:
        return None
    return max(0.0, (utc_at(struck, world.clock) - recovery_point).total_seconds())


def _basis(story: Story) -> str:
    return "" if story.actual else f"\n\nThis is a drill. {story.basis_sentence}"
