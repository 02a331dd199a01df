"""A recovery plan that is written in the service file, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from drillbook import action
from drillbook.recovery import Plan, Step
from drillbook.service_model import Action, StepSpec

if TYPE_CHECKING:
    from drillbook.world import World


def plan_of_steps(world: World, name: str, steps: tuple[StepSpec, ...]) -> Plan:
    """The plan whose steps the service file spells out."""
    return Plan(name, tuple(_step(world, spec) for spec in steps))


def _step(world: World, spec: StepSpec) -> Step:
    return Step(
        name=spec.name,
        act=_act(world, spec),
        phase=spec.phase,
        budget=spec.budget,
        check=_question(world, spec.check),
        verify=_question(world, spec.verify),
        manual=spec.by_hand,
        after=spec.after,
    )


def _act(world: World, spec: StepSpec) -> Callable[[], object]:
    if spec.manual is not None:
        instruction = spec.manual
        return lambda: world.fill(instruction)
    return lambda: action.perform(world, spec)


def _question(world: World, asked: Action | None) -> Callable[[], bool] | None:
    """Yes or no; what cannot be told is a no."""
    if asked is None:
        return None
    question = action.probe(world, asked)
    return lambda: question.read().ok is True
