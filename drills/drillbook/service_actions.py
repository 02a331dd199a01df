"""From names in a service file to things that work on a world: faults, probes, plans, checks, stand-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from drillbook import action, catalogue, configuration, described_fault, pythonic, service_code
from drillbook.catalogue import BUILT_INS
from drillbook.configuration import Difference
from drillbook.errors import UsageError
from drillbook.events import Json
from drillbook.fault import Change, Fault
from drillbook.plan_steps import plan_of_steps
from drillbook.probe import Probe, Reading
from drillbook.pythonic import Guard
from drillbook.recovery import Plan, Step
from drillbook.service_model import Action, ConfigurationSpec, PlanSpec, Target
from drillbook.service_yaml import nearest

if TYPE_CHECKING:
    from drillbook.service import Service
    from drillbook.world import World

T = TypeVar("T")


class Comparison(NamedTuple):
    """The names of two resources, and how the second is configured otherwise than the first."""

    source: str
    restored: str
    differences: list[Difference]


class BuiltFault(NamedTuple):
    """A fault, and what the journal needs to make it again in another process."""

    fault: Fault
    factory: str
    settings: dict[str, Json]


def build_fault(world: World, name: str, settings: Mapping[str, Json] | None = None) -> BuiltFault:
    """The fault called ``name`` in the service file; ``settings`` override those it has there.

    Raises UsageError if there is none or it cannot be made.
    """
    spec = _named(world.service.faults, name, "fault")
    if spec.use is None:
        factory, used = described_fault.FACTORY, described_fault.settings_of(world, spec) | dict(settings or {})
    else:
        factory, used = spec.use, {**spec.settings, **(settings or {})}
    change = rebuild_change(world, factory, used)
    if not isinstance(change, Fault):
        raise UsageError(f"{factory} is no fault", do="give it all of the methods of drillbook.fault.Fault")
    return BuiltFault(change, factory, used)


def rebuild_change(world: World, factory: str, settings: Mapping[str, Json]) -> Change:
    """A change from what the journal keeps of it.

    ``factory`` is a built-in's name, ``file.py:name`` of the service, or ``package.module:name``. The settings of the
    first two stand in a service file, with placeholders; those of the third were made by code and mean what they say.
    Raises UsageError if it cannot be made any more.
    """
    by_code = not service_code.is_reference(factory) and factory not in BUILT_INS["fault"]
    change: Change = pythonic.construct(world, _factory(world.service, factory), factory, settings, literal=by_code)
    return change


def build_probe(world: World, probe: str | Action, name: str = "") -> Probe:
    """A probe by its name in the service file, or from an action which errors call ``name``. Raises UsageError."""
    spec = _named(world.service.probes, probe, "probe") if isinstance(probe, str) else probe
    return action.probe(world, spec, name or str(probe))


def build_check(world: World, name: str) -> Callable[[], Reading]:
    """The check called ``name``. Raises UsageError; calling it raises ProbeError only if the check itself is broken."""
    spec = _named(world.service.checks, name, "check")
    return action.probe(world, spec, name).read


def build_plan(world: World, name: str) -> Plan:
    """The recovery plan called ``name``. Raises UsageError if there is none or it cannot be made."""
    _named(world.service.plans, name, "recovery plan")
    return plan_factory(world.service, name)(world)


def plan_factory(service: Service, name: str) -> Callable[[World], Plan]:
    """What makes the plan called ``name`` from a world: a sabotage wraps it."""
    spec = _named(service.plans, name, "recovery plan")
    if spec.use is None:
        return lambda world: plan_of_steps(world, name, spec.steps)
    return lambda world: _plan_from_code(world, spec)


def stand_up(world: World) -> dict[str, str]:
    """Make the service ready on the world's target, and return the values it adds for placeholders.

    Each action sees the values of those before it. Raises UsageError, or the action's own error.
    """
    given = values_of_the_target(world)
    for step in _target(world).stand_up:
        found = action.perform(world, step)
        added = {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
        world.values.update(added)
        given |= added
    return given


def tear_down(world: World) -> None:
    """Undo ``stand_up``, also half of it, also in a process that knows nothing but where the world is."""
    values_of_the_target(world)
    for step in _target(world).tear_down:
        action.perform(world, step)


def compare_configuration(world: World, spec: ConfigurationSpec) -> Comparison:
    """How the restored resource differs from its source. Raises UsageError, or the description's own error."""
    describe = catalogue.resolve("configuration", spec.kind)
    restored = spec.restored
    if service_code.is_reference(restored):
        restored = str(pythonic.call(world, restored, {}))
    source, restored = world.fill(spec.source), world.fill(restored)
    differences = configuration.diff(describe(world.aws, source), describe(world.aws, restored), spec.ignore)
    return Comparison(source, restored, differences)


def values_of_the_target(world: World) -> dict[str, str]:
    """Fill the values that the target's entry gives to placeholders, and return them; each may use those before it."""
    target = _target(world)
    for name, template in target.values.items():
        world.values[name] = world.fill(template)
    return {name: world.values[name] for name in target.values}


def _factory(service: Service, factory: str) -> object:
    if service_code.is_reference(factory):
        return service_code.load(service.folder, factory)
    return catalogue.imported(BUILT_INS["fault"].get(factory, factory))


def _plan_from_code(world: World, spec: PlanSpec) -> Plan:
    reference = spec.use or ""
    plan = pythonic.call(world, reference, spec.settings)
    if not isinstance(plan, Plan):
        raise UsageError(f"{reference} returned {type(plan).__name__}", do="return a drillbook.recovery.Plan")
    return Plan(plan.name, tuple(_guarded(world, reference, step) for step in plan.steps))


def _guarded(world: World, reference: str, step: Step) -> Step:
    """``step`` raising nothing but drillbook's errors, which is all that a runner knows."""

    def within(call: Callable[[], T]) -> Callable[[], T]:
        def guarded() -> T:
            with Guard(world, f"step {step.name!r} of {reference}"):
                return call()

        return guarded

    return replace(
        step,
        act=within(step.act),
        check=within(step.check) if step.check else None,
        verify=within(step.verify) if step.verify else None,
    )


def _named(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        raise UsageError(f"the service has no {what} {name!r}", do=nearest(name, known))
    return known[name]


def _target(world: World) -> Target:
    targets: Mapping[str, Target] = {str(name): target for name, target in world.service.targets.items()}
    return _named(targets, world.target, "target")
