"""This repository's own calendar: nothing that can be drilled is left out, and what is rare is rare on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook import service as services
from drillbook.cli import features
from drillbook.programme import file

ROOT = Path(__file__).parents[2]
CALENDAR = ("weekly", "monthly", "quarterly", "annual")


def drills(programme: str) -> set[tuple[str, str]]:
    return {(planned.service, planned.drill.drill) for planned in file.drills_of(ROOT, programme)}


@pytest.mark.parametrize("programme", ["ci", "annual"])
def test_every_drill_of_every_service_is_in_it(programme: str) -> None:
    known = [path.parent.name for path in services.discover(ROOT)]
    everything = {(name, drill.drill) for name in known for drill in features.drills_of(ROOT, name)}
    assert drills(programme) == everything


def test_each_programme_of_the_calendar_has_an_owner_and_drills_of_several_services() -> None:
    for name in CALENDAR:
        programme = file.find(ROOT, name)
        assert programme.owner, f"nobody sees to {name}"
        assert programme.title, f"{name} does not say what it proves"
        assert len({service for service, _ in drills(name)}) > 1


@pytest.mark.parametrize(
    ("service", "feature", "programme"),
    [
        ("product-lambda", "weekly_backup_check", "weekly"),
        ("roadcall", "readiness", "weekly"),
        ("product-lambda", "monthly_drill", "monthly"),
        ("apprentice", "monthly_backup_validation", "monthly"),
        ("product-lambda", "regional_failure", "quarterly"),
        ("roadcall", "primary_outage", "quarterly"),
        ("roadcall", "monthly_test", "monthly"),
        ("roadcall", "failback", "quarterly"),
        ("roadcall", "annual", "annual"),
        ("apprentice", "rollback", "quarterly"),
        ("apprentice", "quarterly_drill", "quarterly"),
    ],
)
def test_what_the_runbooks_ask_for_is_drilled_as_often(service: str, feature: str, programme: str) -> None:
    asked = {(service, drill.drill) for drill in features.drills_of(ROOT, service) if _is_of(drill, feature)}
    assert asked
    assert asked <= drills(programme)


def _is_of(drill: features.Drill, feature: str) -> bool:
    return Path(drill.place.rpartition(":")[0]).stem == feature
