"""docs/runbooks knows every scenario of every service with a runbook, and no other."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AGAIN = "render again: .venv/bin/python scripts/runbook_pages.py"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("runbook_pages", ROOT / "scripts/runbook_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    return module


@pytest.fixture(scope="module")
def found(pages: ModuleType) -> list[Any]:
    return list(pages.scenarios(ROOT))


def generated(page: Path, pages: ModuleType) -> str:
    return str(page.read_text().partition(pages.BEGIN)[2].partition(pages.END)[0])


def test_every_scenario_is_on_its_services_page(pages: ModuleType, found: list[Any]) -> None:
    missing = [
        f"{each.service}: {each.name}"
        for each in found
        if f"[{each.name}](../../{each.feature})" not in generated(pages.PAGES / f"{each.service}.md", pages)
    ]
    assert found
    assert missing == [], AGAIN


def test_no_page_tells_a_scenario_that_is_gone(pages: ModuleType, found: list[Any]) -> None:
    names = {each.name for each in found}
    told = [
        name
        for service in {each.service for each in found}
        for name in re.findall(r"\| \[(.+?)\]\(\.\./", generated(pages.PAGES / f"{service}.md", pages))
    ]
    assert set(told) == names, AGAIN


def test_every_service_with_a_runbook_is_in_the_index(pages: ModuleType, found: list[Any]) -> None:
    index = generated(pages.PAGES / "README.md", pages)
    assert [each.service for each in found if f"({each.service}.md)" not in index] == [], AGAIN


def test_every_link_and_picture_of_the_pages_is_there(pages: ModuleType) -> None:
    for page in pages.PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


DRILL = {
    "service": "roadcall", "drill": "Failback", "verdict": "PASS", "basis": "emulated",
    "run_id": "20261122-191905-ab-3", "rto": {"lo": 3.5, "hi": 3.7}, "rpo": {"lo": 0.1, "hi": 0.4}, "lost": 3,
    "cut_over": {"interruption": {"lo": 0.2, "hi": 0.5}, "lost": {"lo": 0, "hi": 0}},
}  # fmt: skip
NUMBERS = "RTO 3.50–3.70 s; RPO 100–400 ms; 3 writes lost"


def scenario(pages: ModuleType, name: str = "Failback") -> Any:
    promised = ("RTO 1 hour", "no write lost between the cut-overs")
    return pages.Scenario("roadcall", name, "features/roadcall/failback.feature", "001", "failback", promised)


def test_a_run_gives_numbers_verdict_and_day(pages: ModuleType, tmp_path: Path) -> None:
    found = [scenario(pages), scenario(pages, "Data corruption")]
    pages.write(tmp_path, found, pages.evidence([DRILL], found))
    text = (tmp_path / "roadcall.md").read_text()
    row = next(line for line in text.splitlines() if "failback.feature" in line)
    assert row.split(" | ")[1:] == [
        "[Failback](../../features/roadcall/failback.feature)",
        "RTO 1 hour; no write lost between the cut-overs",
        f"{NUMBERS}; interruption 200–500 ms, 0 writes lost in the cut-over (emulated)",
        "PASS",
        "2026-11-22 |",
    ]
    assert "| never run |" in text
    assert "1 PASS, 1 never run" in (tmp_path / "README.md").read_text()


def test_what_people_wrote_stays(pages: ModuleType, tmp_path: Path) -> None:
    pages.write(tmp_path, [scenario(pages)], {})
    page = tmp_path / "roadcall.md"
    page.write_text(page.read_text().replace("# ", "# Roadcall: ", 1) + "\n## What the runbook got wrong\n")
    pages.write(tmp_path, [scenario(pages)], pages.evidence([DRILL], [scenario(pages)]))
    assert page.read_text().startswith("# Roadcall: ")
    assert page.read_text().endswith("## What the runbook got wrong\n")
    assert "PASS" in page.read_text()


def test_a_sabotaged_drill_and_one_of_another_service_are_no_evidence(pages: ModuleType) -> None:
    found = [scenario(pages)]
    assert pages.evidence([{**DRILL, "sabotage": "skipped"}, {**DRILL, "service": "notes"}], found) == {}


def test_the_evidence_that_is_kept_is_of_scenarios_that_there_are(pages: ModuleType, found: list[Any]) -> None:
    known = json.loads(pages.EVIDENCE.read_text()) if pages.EVIDENCE.exists() else {}
    assert known.keys() <= {f"{each.service}/{each.name}" for each in found}, AGAIN


def test_a_drill_without_a_fault_tells_its_plan_and_its_checks(pages: ModuleType) -> None:
    seen = {
        "basis": "emulated",
        "plans": [{"plan": "test the backup", "seconds": 3.0}],
        "checks": {"made": 2, "held": 2},
    }
    assert pages.measured(seen) == "“test the backup” took 3 s; 2 of 2 checks held (emulated)"
