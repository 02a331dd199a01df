"""docs/targets.md says what the conformance suite asks and found, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
RENEW = "renew it: .venv/bin/python scripts/targets_page.py embedded"


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


def test_every_rule_of_the_suite_is_on_the_page(page: ModuleType) -> None:
    text = (ROOT / "docs/targets.md").read_text()
    missing = [rule["rule"] for rule in page.rules() if f"({rule['source']})" not in text]
    assert missing == [], RENEW


def test_the_page_is_what_its_findings_give(page: ModuleType) -> None:
    known = json.loads((ROOT / "docs/targets.json").read_text())
    assert (ROOT / "docs/targets.md").read_text() == page.render(known, page.rules()), RENEW
