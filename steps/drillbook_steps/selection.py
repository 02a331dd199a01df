"""Which of the collected drills are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from drillbook import service as services
from drillbook.errors import DrillbookError, UsageError
from drillbook.programme import file as programmes
from drillbook.proof import sabotage
from drillbook_steps.outline import Outline, outline
from drillbook_steps.plugin import root_of


def select(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """The drills with a wanted name that the wanted sabotage applies to. Raises pytest.UsageError if none is left."""
    chosen = _called([item for item in items if template_of(item)], config.getoption("--drillbook-drill"))
    named = config.getoption("--drillbook-sabotage")
    try:
        chosen = _in_programme(config, chosen)
        chosen = [item for item in chosen if _is_sabotaged(config, item, named)]
    except DrillbookError as error:
        raise pytest.UsageError(str(error)) from None
    if named and not chosen:
        raise pytest.UsageError(f"the sabotage {named!r} applies to none of the drills — see: drillbook list")
    return chosen


def _called(drills: list[pytest.Item], parts: list[str]) -> list[pytest.Item]:
    """Those with one of the parts in their name; all if there are no parts. Raises pytest.UsageError for a part that
    none of them has: it is mistyped, and what it meant would not be drilled."""
    names = {item: template_of(item).name for item in drills}
    for part in parts:
        if not any(_is_in(part, name) for name in names.values()):
            known = "; ".join(sorted(set(names.values())))
            raise pytest.UsageError(f"no drill has {part!r} in its name — known: {known}")
    return [item for item, name in names.items() if not parts or any(_is_in(part, name) for part in parts)]


def _is_in(part: str, name: str) -> bool:
    return part.casefold() in name.casefold()


def _in_programme(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """Raises UsageError for an unknown or empty programme, and if none of its drills is among ``items``."""
    name = config.getoption("--drillbook-programme")
    if not name:
        return items
    root = root_of(config)
    places = {planned.drill.place for planned in programmes.drills_of(root, name)}
    chosen = [item for item in items if _place_of(item, root) in places]
    if not chosen:
        raise UsageError(f"none of the drills here is in the programme {name!r}", do="see: drillbook programme show")
    return chosen


def _place_of(item: pytest.Item, root: Path) -> str:
    template = template_of(item)
    file = Path(template.feature.filename)
    return f"{file.relative_to(root) if file.is_relative_to(root) else file}:{template.line_number}"


def template_of(item: pytest.Item) -> Any:
    """The scenario behind a test (a ``ScenarioTemplate``), or None."""
    return scenario_wrapper_template_registry.get(item.function) if isinstance(item, pytest.Function) else None


def outline_of(item: pytest.Item) -> Outline:
    """What the scenario of a test is about."""
    template = template_of(item)
    callspec = getattr(item, "callspec", None)
    example = callspec.params.get("_pytest_bdd_example", {}) if callspec else {}
    return outline(template.render(example), template.feature.rel_filename)


def _is_sabotaged(config: pytest.Config, item: pytest.Item, named: str) -> bool:
    if not named:
        return True
    about = outline_of(item)
    service = services.find(root_of(config), about.service)
    if named not in service.sabotages and len(services.discover(root_of(config))) > 1:
        return False
    return sabotage.find(service, named).concerns(template_of(item).name, about.faults)
