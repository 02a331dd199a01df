"""What customers and owners notice: is the API served, what are people told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import notice
from drillbook.aws.session import session_of
from drillbook.errors import TemporaryError
from drillbook.recovery import Phase, Step
from drillbook.service_model import HttpRequest
from drillbook.web.request import send

from .names import topic_arn

if TYPE_CHECKING:
    from drillbook.world import World


def products_are_served(world: World, door: str = "{front_door}") -> bool:
    """Does the API list products? Raises TemporaryError with what it answers instead."""
    seen = send(world, HttpRequest(url=f"{door}/products", timeout=5.0, json=None))
    if not seen.ok:
        raise TemporaryError(
            f"GET {world.fill(door)}/products: {seen.value}", do="look at the stage and at the functions' logs"
        )
    return True


def declared(world: World, what: str) -> Step:
    """The incident's record begins."""
    return notice.record_step(world, "declare the incident", "declared", what, budget=30)


def recorded(world: World, text: notice.Text) -> Step:
    """The incident's record says how it ended."""
    return notice.record_step(world, "write down how it ended", "recovered", text, budget=30)


def told(world: World, subject: str, text: notice.Text, region: str | None = None) -> Step:
    """The owners' notice, by the topic of ``region``: one that is not lost."""

    def topic() -> str:
        return topic_arn(session_of(world), region)

    return Step(
        "tell the owners",
        lambda: notice.publish(world, topic(), subject, text if isinstance(text, str) else text()),
        Phase.COMMUNICATE,
        budget=30,
        check=lambda: notice.was_published(world, topic(), subject),
    )
