"""What a drill would do, from the service file and its code alone: no target is reached, nothing is touched."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook import service_actions, targets
from drillbook.aws.session import Session
from drillbook.clock import VirtualClock
from drillbook.events import EventStream, Json
from drillbook.world import World

if TYPE_CHECKING:
    from drillbook.recovery import Plan
    from drillbook.service import Service


NOWHERE = "http://127.0.0.1:9"
"""Where the imagined world's clients point: whatever would be asked of the target is refused."""


def describe(service: Service, target: str, faults: Sequence[str], plans: Sequence[str]) -> dict[str, Json]:
    """The plan of one drill as JSON. Budgets in seconds. Raises UsageError for names the service does not know."""
    world = _imagined(service, target)
    built = {name: service_actions.build_fault(world, name).fault for name in faults}
    standing = service.target(target).stand_up
    rails = service.rails
    return {
        "service": service.name,
        "target": target,
        "basis": str(world.basis),
        "stands_up": f"{len(standing)} stand-up action(s)" if standing else "uses what is there",
        "regions": dict(service.regions),
        "resources": [{"role": role, "type": each.type, "name": each.name} for role, each in service.resources.items()],
        "steady_state": list(service.steady_state.sentences(service.canary.slow).values()),
        "faults": [{"name": name, "what": fault.describe()} for name, fault in built.items()],
        "blast_radius": [
            *(what for fault in built.values() for what in fault.touches()),
            f"at most {rails.max_resources} resources, {rails.max_share:.0%} of the service's",
            *(f"tagged {key}={value}" for key, value in rails.tag.items()),
        ],
        "plans": [_plan(service_actions.build_plan(world, name)) for name in plans],
        "restores": [f"the fault {name!r}, from the journal" for name in built]
        + ["every change of the recovery, from the journal", "the canary's records"],
    }


def _imagined(service: Service, target: str) -> World:
    """A world that no one has opened: its placeholders stand for themselves, and it has no clients."""
    clock = VirtualClock()
    world = World(
        target=target,
        basis=targets.basis_of(target),
        service=service,
        clock=clock,
        events=EventStream(clock),
        workdir=Path(tempfile.gettempdir()) / "drillbook-plan",
        run_id="plan",
    )
    if account := service.target(target).account or ("" if target == "local" else "111122223333"):
        region = service.regions.get("primary", "us-east-1")
        world.aws = Session(account, region, NOWHERE, clock=clock, regions={region, *service.regions.values()})
    known = {*targets.PLACEHOLDERS, *service.target(target).values}
    world.values = {name: f"{{{name}}}" for name in known}
    return world


def _plan(plan: Plan) -> dict[str, Json]:
    steps = [
        {
            "name": step.name,
            "phase": str(step.phase),
            "budget": step.budget,
            "manual": step.manual,
            "after": None if step.after is None else list(step.after),
        }
        for step in plan.steps
    ]
    return {"name": plan.name, "budget": sum(step.budget for step in plan.steps), "steps": steps}
