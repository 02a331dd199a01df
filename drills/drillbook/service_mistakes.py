"""What can be wrong with a service file beyond its YAML: values of the wrong shape, and references to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from drillbook import catalogue, service_code
from drillbook.catalogue import Kind
from drillbook.errors import LocatedError, UsageError
from drillbook.events import Json
from drillbook.feature_file import scenario_names
from drillbook.service_model import Action, PlanSpec, Service
from drillbook.service_yaml import Document, Loc, nearest

_SHAPES = {
    "model_type": "must be a mapping of keys",
    "dict_type": "must be a mapping of keys",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_type": "must be text",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
}


def of_shape(
    document: Document, error: ValidationError, prefix: Loc = (), known: tuple[str, ...] = ()
) -> list[LocatedError]:
    """pydantic's findings, located. ``known`` are the keys of the mapping at ``prefix``, for suggestions."""
    return [_of_shape(document, detail, prefix, known) for detail in error.errors(include_url=False)]


def of_reference(document: Document, service: Service) -> Iterator[LocatedError]:
    """Names in the file that stand for nothing: probes, faults, capabilities, built-ins, files, steps."""
    yield from _names(document, service)
    for loc, action in _actions(service):
        yield from _use(document, service, loc, action.use, action.settings, kind=_kind(loc))
    for name, fault in service.faults.items():
        yield from _use(document, service, ("faults", name), fault.use, fault.settings, kind="fault")
    for name, plan in service.plans.items():
        yield from _use(document, service, ("plans", name), plan.use, plan.settings, kind=None)
        yield from _steps(document, ("plans", name, "steps"), plan)
    for name, sabotage in service.sabotages.items():
        for key in ("plan", "before"):
            yield from _use(document, service, ("sabotages", name, key), getattr(sabotage, key), {}, kind=None)
    for name, compared in service.configuration.items():
        loc = ("configuration", name)
        yield from _unknown(document, (*loc, "kind"), compared.kind, catalogue.names("configuration"), "description")
        if service_code.is_reference(compared.restored):
            yield from _use(document, service, (*loc, "restored"), compared.restored, {}, kind=None)


def _of_shape(document: Document, detail: ErrorDetails, prefix: Loc, known: tuple[str, ...]) -> LocatedError:
    loc, context = (*prefix, *detail["loc"]), detail.get("ctx", {})
    name = _spoken(loc)
    match detail["type"]:
        case "unknown_key":
            at, key = (*loc, context["key"]), context["key"]
            return document.mistake(at, f"unknown key {key!r}{_inside(loc)}", do=context["near"], at_key=True)
        case "extra_forbidden":
            return document.mistake(
                loc, f"unknown key {str(loc[-1])!r}{_inside(loc[:-1])}", do=nearest(str(loc[-1]), known), at_key=True
            )
        case "missing":
            return document.mistake(loc[:-1], f"the key {str(loc[-1])!r} is missing{_inside(loc[:-1])}", do="add it")
        case "literal_error" | "enum":
            return _choice(document, loc, context["expected"])
        case "value_error":
            what, _, do = str(context["error"]).partition("; ")
            return document.mistake(loc, f"{name}: {what}", do=do or "correct it")
        case kind if kind in _SHAPES:
            found = ", but nothing is written here" if detail["input"] is None else ""
            return document.mistake(loc, f"{name} {_SHAPES[kind]}{found}", do="correct it, or remove the key")
    return document.mistake(loc, f"{name}: {detail['msg'].lower()}", do="correct it")


def _choice(document: Document, loc: Loc, expected: str) -> LocatedError:
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    if loc[-1] == "[key]":
        return document.mistake(
            loc[:-1],
            f"{str(loc[-2])!r} is none of the {_spoken(loc[:-2])} there can be",
            do=nearest(str(loc[-2]), choices),
            at_key=True,
        )
    return document.mistake(loc, f"{_spoken(loc)} is none of {', '.join(choices)}", do="use one of them")


def _spoken(loc: Loc) -> str:
    return ".".join(str(part) for part in loc) or "the file"


def _inside(loc: Loc) -> str:
    return f" in {_spoken(loc)}" if loc else ""


def _names(document: Document, service: Service) -> Iterator[LocatedError]:
    steady: Loc = ("steady_state", "probes") if document.has(("steady_state", "probes")) else ("steady_state",)
    for loc, named in ((steady, service.steady_state.probes), (("detections",), service.detections)):
        for index, name in enumerate(named):
            yield from _unknown(document, (*loc, index), name, service.probes, "probe")
    for name, sabotage in service.sabotages.items():
        if sabotage.fault is not None:
            yield from _unknown(document, ("sabotages", name, "fault"), sabotage.fault, service.faults, "fault")
        if sabotage.drill is not None and (known := _scenarios(service)):
            yield from _unknown(document, ("sabotages", name, "drill"), sabotage.drill, known, "drill")
    needs: dict[Loc, tuple[str, ...]] = {("needs",): service.needs}
    needs |= {("plans", name, "needs"): plan.needs for name, plan in service.plans.items()}
    for loc, capabilities in needs.items():
        for index, capability in enumerate(capabilities):
            yield from _unknown(document, (*loc, index), capability, catalogue.CAPABILITIES, "capability")


def _scenarios(service: Service) -> list[str]:
    """The names of the service's drills. A feature with a mistake is told by whoever wants to run it."""
    folder = service.folder.parent.parent / "features" / service.name
    try:
        return [name for path in sorted(folder.rglob("*.feature")) for name in scenario_names(path)]
    except LocatedError:
        return []


def _unknown(
    document: Document, loc: Loc, name: str, known: Mapping[str, Any] | tuple[str, ...] | list[str], what: str
) -> Iterator[LocatedError]:
    if name not in known:
        yield document.mistake(loc, f"there is no {what} {name!r}", do=nearest(name, known))


def _actions(service: Service) -> Iterator[tuple[Loc, Action]]:
    """Every action of the file and where it stands."""
    for key in ("probes", "checks"):
        for name, action in getattr(service, key).items():
            yield (key, name), action
    for name, target in service.targets.items():
        for key in ("stand_up", "tear_down"):
            yield from (((("targets", name, key, index)), action) for index, action in enumerate(getattr(target, key)))
    for name, fault in service.faults.items():
        yield from _parts(("faults", name), fault, ("capture", "inject", "observe", "restore", "restored"))
    for name, plan in service.plans.items():
        for index, step in enumerate(plan.steps):
            yield ("plans", name, "steps", index), step
            yield from _parts(("plans", name, "steps", index), step, ("check", "verify"))


def _parts(loc: Loc, whole: BaseModel, keys: tuple[str, ...]) -> Iterator[tuple[Loc, Action]]:
    yield from (((*loc, key), getattr(whole, key)) for key in keys if getattr(whole, key) is not None)


def _kind(loc: Loc) -> Kind | None:
    """Only what is read may be a built-in: there are no built-in steps."""
    return "probe" if loc[0] in ("probes", "checks") or loc[-1] in ("observe", "restored", "check", "verify") else None


def _use(
    document: Document, service: Service, loc: Loc, use: str | None, settings: dict[str, Json], *, kind: Kind | None
) -> Iterator[LocatedError]:
    if use is None:
        return
    at = (*loc, "use") if document.has((*loc, "use")) else loc
    try:
        if kind is None or service_code.is_reference(use):
            service_code.check(service.folder, use)
        else:
            settings_model = catalogue.resolve(kind, use).Settings
            settings_model.model_validate(settings)
    except UsageError as error:
        yield document.mistake(at, error.what, do=error.do)
    except ValidationError as error:
        yield from of_shape(document, error, (*loc, "with"), tuple(settings_model.model_fields))


def _steps(document: Document, loc: Loc, plan: PlanSpec) -> Iterator[LocatedError]:
    names = [step.name for step in plan.steps]
    for index, step in enumerate(plan.steps):
        if step.name in names[:index]:
            yield document.mistake((*loc, index, "name"), f"two steps are called {step.name!r}", do="rename one")
        for position, other in enumerate(step.after or ()):
            yield from _unknown(document, (*loc, index, "after", position), other, names, "step")
