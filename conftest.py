"""This repository only. The steps and the ``drill`` fixture come from the installed plugin."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
TESTS = Path(__file__).parent / "tests"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that hangs ends after two minutes; a drill takes as long as it takes."""
    for item in items:
        if item.path.is_relative_to(TESTS) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(120))
