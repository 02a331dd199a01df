"""What the recovery library's pages call is there, and every page is in the index."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "recovery"
PAGES = sorted(page for page in GUIDE.glob("*.md") if page.name != "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_call_of_a_page_fits_the_library(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
        tree = ast.parse(block)
        known = _imported(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if (called := _called(call.func, known)) is not None:
                keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
                inspect.signature(called).bind(*call.args, **keywords)


def test_every_page_is_in_the_index_and_every_link_leads_somewhere() -> None:
    index = (GUIDE / "README.md").read_text()
    assert [page.name for page in PAGES if f"]({page.name})" not in index] == []
    for page in [*PAGES, GUIDE / "README.md"]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def _imported(tree: ast.Module) -> dict[str, object]:
    """The names that a block imports. A module that has no such name is an error."""
    found: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                found[name.name] = _of(importlib.import_module(node.module or ""), name.name)
    return found


def _of(module: ModuleType, name: str) -> object:
    if hasattr(module, name):
        return getattr(module, name)
    return importlib.import_module(f"{module.__name__}.{name}")


def _called(function: ast.expr, known: dict[str, object]) -> object:
    """What is called, if it comes from the library."""
    if isinstance(function, ast.Name):
        return known.get(function.id)
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id in known:
        return getattr(known[function.value.id], function.attr)
    return None
