"""docs/targets.md says what the conformance suite asks and found, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
RENEW = "renew it: .venv/bin/python scripts/targets_page.py --render (or embedded, to ask what is new)"


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("targets_page", ROOT / "scripts/targets_page.py")
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
def rules(page: ModuleType) -> list[dict[str, str]]:
    return list(page.rules())


def test_every_rule_of_the_suite_is_on_the_page(rules: list[dict[str, str]]) -> None:
    lines = (ROOT / "docs/targets.md").read_text().splitlines()
    missing = [
        rule["test"]
        for rule in rules
        if not any(line.startswith("| [") and f"]({rule['source']})" in line for line in lines)
    ]
    assert missing == [], RENEW


def test_the_page_is_what_its_findings_give(page: ModuleType, rules: list[dict[str, str]]) -> None:
    known = json.loads((ROOT / "docs/targets.json").read_text())
    assert (ROOT / "docs/targets.md").read_text() == page.render(known, rules), RENEW
