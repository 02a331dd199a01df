"""How a drill begins: the target is chosen, the rails are asked, the service is stood up, what it needs is proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drillbook import service as services
from drillbook import targets
from drillbook.drill_record import Conditions, Log, NotSimulated
from drillbook.errors import UsageError
from drillbook.events import EventKind, EventStream
from drillbook.proof import sabotage
from drillbook.safeguard import Rails
from drillbook.service_yaml import nearest

if TYPE_CHECKING:
    from drillbook.service import Service
    from drillbook.world import World


class Opening:
    """Opens the world of one drill. ``stage`` tells that one begins."""

    def __init__(self, log: Log, conditions: Conditions, events: EventStream, stage: Callable[[str], None]) -> None:
        self._log, self._conditions, self._events, self._stage = log, conditions, events, stage

    def world(self, name: str, region: str) -> World:
        """Reach the target of the service called ``name``, in a whole world. Nothing of the service is touched yet.

        Raises Refused, TargetError, UsageError.
        """
        service = services.find(self._conditions.root, name)
        target = targets.choose(service, self._conditions.target)
        self._log.sabotage = sabotage.find(service, self._conditions.sabotage)
        self._tell(service, target)
        self._stage("preflight")
        self._conditions.refuse_if_open(own_cloud=targets.gives_own_cloud(target, self._conditions.state))
        self._log.world = targets.open_world(service, target, self._place(), region=region)
        return self._log.world

    def make_ready(self, world: World) -> None:
        """Ask the rails, stand the service up, and see that the target truly can what the drill needs.

        Raises Refused, TargetError, UsageError; NotSimulated if a truth probe finds a needed capability missing.
        """
        self._begin_journal(world)
        Rails(world, go=self._conditions.go).before_start()
        self._stage("stand up")
        targets.stand_up(world)
        self._begin_journal(world)  # again: standing up has added to what another process must know of this world
        self._require_capabilities(world)
        self._log.crashed_before = len(targets.crashes(world))
        self._log.sabotage.take_away(world)

    def _tell(self, service: Service, target: str) -> None:
        self._events.emit(
            EventKind.STARTED,
            self._log.assignment.name,
            service=service.name,
            target=target,
            basis=str(targets.basis_of(target)),
            feature=self._log.assignment.feature,
            run_id=self._log.run_id,
        )

    def _place(self) -> targets.Place:
        told = self._conditions
        return targets.Place(told.state, self._log.run_id, told.clock, self._events, told.journal, told.clouds)

    def _begin_journal(self, world: World) -> None:
        file, journal = str(world.service.path.resolve()), self._conditions.journal
        journal.begin(self._log.run_id, service_file=file, target=world.address, clock=world.clock)

    def _require_capabilities(self, world: World) -> None:
        service = world.service
        if unknown := next((plan for plan in self._log.assignment.plans if plan not in service.plans), ""):
            what = f"{service.name} has nothing called {unknown!r} under plans"
            raise UsageError(what, do=nearest(unknown, service.plans))
        needs = {need for plan in self._log.assignment.plans for need in service.plans[plan].needs}
        if missing := targets.missing_capabilities(world, {*service.needs, *needs}):
            told = "; ".join(f"{name}: {why}" for name, why in missing.items())
            raise NotSimulated(f"the {world.target} target does not truly have {told}")
