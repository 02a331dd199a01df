"""Which rails hold for which drill, and when they are asked: before it starts, and before each fault."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drillbook.errors import OperationError
from drillbook.events import EventKind
from drillbook.fault import EMULATED
from drillbook.journal_records import has_own_cloud
from drillbook.rails import (
    AccountRail,
    BlastRadiusRail,
    EndpointRail,
    GoRail,
    Holder,
    JournalRail,
    Rail,
    RegionRail,
    TagRail,
    TimeBox,
)

if TYPE_CHECKING:
    from drillbook.aws.session import Session
    from drillbook.fault import Change
    from drillbook.world import World


@dataclass(frozen=True)
class RailReport:
    """One rail that was asked and did not refuse, and what it found."""

    rail: str
    checked: str


class Rails:
    """The rails of one world, as its service file sets them.

    ``identify`` and ``tags_of`` ask the target whose account it is and how a resource is tagged; without them the
    world's own session is asked.
    """

    def __init__(
        self,
        world: World,
        *,
        go: bool = False,
        identify: Callable[[], Holder] | None = None,
        tags_of: Callable[[str], Mapping[str, str] | None] | None = None,
    ) -> None:
        self._world, self._go = world, go
        self._settings = world.service.rails
        self._identify, self._tags_of = identify, tags_of

    def before_start(self) -> list[RailReport]:
        """May this drill start here? Touches nothing. Raises Refused by the first rail that says no."""
        rails: list[Rail] = [GoRail(self._world.target, self._go)]
        if self._world.journal:
            rails.append(JournalRail(self._world.journal, self._world.run_id, has_own_cloud(self._world.address)))
        if self._world.aws:
            rails += self._of_account(self._world.aws)
        return self._ask(rails)

    def before_fault(self, change: Change, *, beside: Collection[str] = ()) -> list[RailReport]:
        """May this change be made? Reads tags, changes nothing. Raises Refused by the first rail that says no.

        ``beside``: what the faults that are in place already touch; together they have one blast radius.
        """
        touches = [*beside, *own] if (own := change.touches()) else []
        resources = len(self._world.service.resources)
        settings = self._settings
        rails: list[Rail] = [BlastRadiusRail(touches, settings.max_resources, settings.max_share, resources)]
        if self._world.aws and settings.tag:
            tags_of = self._tags_of or _tags_by(self._world.aws)
            emulated = self._world.target == "embedded"
            owned = [each for each in touches if not (emulated and each.startswith(EMULATED))]
            rails.append(TagRail(settings.tag, owned, tags_of))
        return self._ask(rails)

    def time_box(self) -> TimeBox:
        """The time box, begun now: ask it again and again while a fault is in place."""
        return TimeBox(self._settings.time_box, self._world.clock, self._world.clock.monotonic())

    def _of_account(self, session: Session) -> list[Rail]:
        service = self._world.service
        target = next(target for name, target in service.targets.items() if name == self._world.target)
        accounts = {*self._settings.accounts, *([target.account] if target.account else [])}
        regions = {*self._settings.regions, *service.regions.values(), *([target.region] if target.region else [])}
        real = self._world.target == "aws"
        identify = self._identify or _holder_by(session, real=real)
        return [
            EndpointRail(self._world.target, session.endpoint, self._settings.endpoints),
            RegionRail(regions, {session.region, *session.regions} if regions else set()),
            AccountRail(accounts or (set() if real else {session.account}), identify, real=real),
        ]

    def _ask(self, rails: Iterable[Rail]) -> list[RailReport]:
        return [self._report(rail) for rail in rails]

    def _report(self, rail: Rail) -> RailReport:
        report = RailReport(rail.name, rail.check())
        self._world.events.emit(EventKind.NOTE, f"{report.rail} rail: {report.checked}", rail=report.rail)
        return report


def _holder_by(session: Session, *, real: bool) -> Callable[[], Holder]:
    """Ask AWS whose account it is. An emulator on this machine would only repeat what it was told."""
    if not real:
        return lambda: Holder(session.account)
    return lambda: Holder(session.identity().account, _alias(session))


def _alias(session: Session) -> str | None:
    """The account's alias; unknown if reading it is not allowed (docs.aws.amazon.com, IAM: ListAccountAliases)."""
    from drillbook.aws.failures import calling

    try:
        with calling(f"read the alias of account {session.account}"):
            aliases = session.client("iam").list_account_aliases()["AccountAliases"]
    except OperationError:
        return None
    return str(aliases[0]) if aliases else None


def _tags_by(session: Session) -> Callable[[str], Mapping[str, str] | None]:
    from drillbook.aws import tags

    return lambda resource: tags.tags_of(session, resource)
