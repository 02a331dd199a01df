"""A small incident, and the review after it: written from the evidence, and looked through before people meet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drillbook.aws.recovery import environment, notice
from drillbook.aws.session import session_of
from drillbook.probe import Reading
from drillbook.recovery import Phase, Plan, Step
from drillbook.report import review

from . import customers
from .names import FUNCTIONS, PRIMARY, TABLES, topic_arn

if TYPE_CHECKING:
    from drillbook.world import World

MINUTE = 60.0
CORRECTS = "correct the configuration"
CALLS = "call people to the review"
NEEDED = {
    "Timeline (UTC)": r"fault in effect",
    "Impact": r"Unavailable to clients",
    "Objectives": r"\| RTO",
    "Detection, decision, recovery": r"\d",
    "Action items": r"\w",
    "Runbook updates": r"\w",
}
"""Section → what it must hold to be of use: the runbook's list, of which causes and lessons are left to people."""
ASKED = (
    "Call the responders, the owner and support to a review: they agree on the root cause, and give each action item "
    "of the review an owner and a date."
)


def correct(world: World) -> Plan:
    topic = topic_arn(session_of(world).account, PRIMARY)
    return Plan(
        "correct the configuration",
        (
            notice.record_step(world, "declare the incident", "declared", "reports of incidents fail",
                               budget=1 * MINUTE),
            Step(CORRECTS, lambda: name_the_table(world), budget=5 * MINUTE,
                 verify=lambda: customers.answers(world, "/incidents/seed-001", PRIMARY)),
            notice.notice_step(world, "tell the customers", topic, "Incidents can be reported again",
                               "What was refused in the last minutes can be sent again.", budget=5 * MINUTE),
            Step(CALLS, lambda: ASKED, Phase.COMMUNICATE, budget=10 * MINUTE, manual=True),
        ),
    )  # fmt: skip


def name_the_table(world: World) -> None:
    environment.set_variables(world, FUNCTIONS[0], {"INCIDENTS_TABLE": TABLES["incidents"]}, region=PRIMARY)


def review_is_complete(world: World) -> Reading:
    """Does the review tell timeline, impact, loss, objectives and actions?"""
    lacking = missing_in(review.so_far(world))
    return Reading(not lacking, f"lacks {', '.join(lacking)}" if lacking else f"{len(NEEDED)} sections tell something")


def missing_in(document: str) -> list[str]:
    """The sections that are not there, or hold nothing of what they are for."""
    found = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL))
    return [name for name, holds in NEEDED.items() if not re.search(holds, found.get(name, ""))]
