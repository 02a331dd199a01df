"""A regression of recovery code is found: broken in one place, the programme ``ci`` turns red and says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drillbook.embedded import process, slots

from .repository import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

RECOVERY = "drills/drillbook/aws/recovery"
ROUNDED_UP = (
    f"{RECOVERY}/evidence.py",
    "restore_to = (began - MARGIN).replace(microsecond=0)",
    "restore_to = began.replace(microsecond=0) + timedelta(seconds=1)",
)
NO_DNS = (f"{RECOVERY}/health_checks.py", 'Inverted=state["inverted"]', "Inverted=False")
WIPED = (f"{RECOVERY}/environment.py", "merged = {**self._variables(read), **wanted}", "merged = dict(wanted)")


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """Everything that is drilled and what drills it, to be broken."""
    for folder in ("drills", "features", "steps"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    yield tmp_path
    # A drill that could not be healed keeps its cloud.
    for _, cloud in slots.living(tmp_path / ".drillbook"):
        process.stop(cloud)


def drilled(root: Path, service: str, drill: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the result of one drill of the programme ``ci``, run by the code in ``root``."""
    out = root / "out.json"
    command = [sys.executable, "-m", "drillbook.cli", "run", service, "--programme", "ci", "--drill", drill]
    done = subprocess.run(
        [*command, "--root", str(root), "--json", str(out)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(str(root / folder) for folder in ("drills", "steps"))},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.exists(), done.stderr
    (result,) = json.loads(out.read_text())["drills"]
    return done.returncode, result


@pytest.mark.parametrize(
    ("broken", "service", "drill", "cause"),
    [
        (ROUNDED_UP, "product-lambda", "Table corruption", "verify contents"),
        (NO_DNS, "product-lambda", "Regional failure", "move the traffic"),
        (WIPED, "product-lambda", "Table corruption", "functions have their settings"),
    ],
    ids=["wrong restore time", "skipped DNS", "wiped variables"],
)
def test_the_programme_ci_turns_red(
    checkout: Path, broken: tuple[str, str, str], service: str, drill: str, cause: str
) -> None:
    file, right, wrong = broken
    code = (checkout / file).read_text()
    assert right in code
    (checkout / file).write_text(code.replace(right, wrong))

    status, result = drilled(checkout, service, drill)

    # What broken code has wiped, its own undoing does not bring back: then the drill is INVALID, too.
    assert (status, result["verdict"]) in ((1, "FAIL"), (4, "INVALID")), result["causes"]
    assert cause in " ".join(result["causes"]) or "check through the API" in " ".join(result["causes"])
