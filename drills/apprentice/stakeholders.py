"""What stakeholders are told: step 7 of the runbook, filled in with what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery.notice import incident
from drillbook.clock import utc_text
from drillbook.units import duration_text

from .failover import DECLARED, chosen_copy, outage_seen
from .names import AWAY, HOME

if TYPE_CHECKING:
    from drillbook.world import World

STARTED = f"{HOME} is down, initiating DR failover to {AWAY}."
SUBJECT = f"DR Failover Complete - System Operational in {AWAY}"


def completed(world: World) -> str:
    """The body of step 7. Times are UTC; the loss is what was written after the recovery point was begun."""
    now, seen, point = world.clock.now(), outage_seen(world), chosen_copy(world)
    initiated = next(each["at"] for each in incident(world) if each["entry"] == DECLARED)
    loss = duration_text(max(0.0, (seen - point.created).total_seconds()))
    return "\n".join(
        (
            f"- DR failover initiated at: {initiated}",
            f"- Failover completed at: {utc_text(now)}",
            f"- Total downtime: {duration_text((now - seen).total_seconds())}, since it was seen",
            f"- RPO achieved: {loss}; restored as of {utc_text(point.created)}",
            "- Current status: Operational",
            f"- Region: {AWAY}",
            f"- Estimated data loss: what was written after {utc_text(point.created)} must be entered again",
            f"- Next steps: Monitor for 24h, plan failback when {HOME} recovers; invalidate CloudFront then",
        )
    )
