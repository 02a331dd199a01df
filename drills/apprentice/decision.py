"""When to fail over: the runbook's decision tree, as a function of what is known."""

from __future__ import annotations

from enum import StrEnum

WAIT_BELOW, EXECUTE_ABOVE = 15 * 60.0, 60 * 60.0
"""Seconds of outage."""


class Decision(StrEnum):
    WAIT = "wait for automatic recovery"
    PREPARE = "prepare the standby and watch AWS's status"
    EXECUTE = "execute the failover"


def decide(outage: float, *, critical_impact: bool) -> Decision:
    """What to do ``outage`` seconds after the primary region was lost.

    The tree has a gap and an overlap at 15 and at 60 minutes: here 15 minutes are no longer below 15, and 60 are not
    yet above 60. A critical impact outranks the clock, as the runbook's "OR" says.
    """
    if critical_impact or outage > EXECUTE_ABOVE:
        return Decision.EXECUTE
    return Decision.WAIT if outage < WAIT_BELOW else Decision.PREPARE
