"""No drill without its opposite: each scenario of each service can be made to go red."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drillbook import service as services
from drillbook.proof import sabotage

ROOT = Path(__file__).parents[2]
FEATURES = sorted((ROOT / "features").glob("*/*.feature"))


@pytest.mark.parametrize("path", FEATURES, ids=[f"{path.parent.name}/{path.stem}" for path in FEATURES])
def test_every_scenario_has_a_sabotage(path: Path) -> None:
    file = services.load(ROOT / "drills" / path.parent.name / "service.yaml")
    known = [sabotage.find(file, name) for name in file.sabotages if file.sabotages[name].canary is None]
    text = path.read_text()
    (drill,) = re.findall(r"Scenario: (.+)", text)
    faults = re.findall(r'the fault "(.+)" strikes', text)
    assert any(each.concerns(drill, faults) for each in known), drill
