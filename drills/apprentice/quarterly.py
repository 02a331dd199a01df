"""What frames the quarterly exercise: it is announced, and what was learned is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import notice
from drillbook.aws.session import session_of
from drillbook.recovery import Phase, Plan, Step

from .names import AWAY, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
LESSONS = "Compare each step with its budget in the drill's report; write down what was slow, unclear or wrong."
RUNBOOK = "Correct the runbook by what was written down, and have somebody else read it."


def announce(world: World) -> Plan:
    """Step 1. By the topic of us-west-2, which still answers when somebody asks what is going on."""
    topic = topic_arn(session_of(world).account, AWAY)
    return Plan(
        "announce the exercise",
        (
            notice.record_step(world, "open the record", "exercise", "quarterly exercise, planned", budget=5 * MINUTE),
            notice.notice_step(world, "tell the stakeholders", topic, "Disaster recovery exercise",
                               f"Habits will be served from {AWAY} for a while. What is entered may be lost.",
                               budget=5 * MINUTE, region=AWAY),
        ),
    )  # fmt: skip


def learn(world: World) -> Plan:
    """Steps 5 and 6. A review of the evidence (``drillbook review``) is what people begin with."""
    return Plan(
        "learn from the exercise",
        (
            Step("write down the lessons", lambda: LESSONS, Phase.COMMUNICATE, budget=60 * MINUTE, manual=True),
            Step("update the runbook", lambda: RUNBOOK, Phase.COMMUNICATE, budget=60 * MINUTE, manual=True),
            notice.record_step(world, "close the record", "exercise closed", "lessons are in the runbook",
                               budget=5 * MINUTE),
        ),
    )  # fmt: skip
