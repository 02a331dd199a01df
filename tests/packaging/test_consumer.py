"""A repository outside the checkout, with only the wheel and what the wheel asks for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Consumer:
    """A virtual environment of its own, and the repository that ``drillbook init`` made."""

    bin: Path
    folder: Path

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return subprocess.run(
            [str(self.bin / argv[0]), *argv[1:]], cwd=self.folder, env=kept, capture_output=True, text=True, timeout=300
        )

    def drill(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run drills, and once more if other work on this machine kept the canary from measuring."""
        for _ in range(2):
            done = self.run(*argv)
            if "too busy to measure on" not in done.stdout and "fell silent" not in done.stdout:
                return done
        return self.run(*argv)


@pytest.fixture(scope="module")
def consumer(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    home = tmp_path_factory.mktemp("consumer")
    subprocess.run([sys.executable, "-m", "venv", str(home / "venv")], check=True, capture_output=True)
    versions = re.sub(r" \\\n.*?(?=\n[a-z0-9]|\Z)", "", (REPOSITORY / "constraints.txt").read_text(), flags=re.DOTALL)
    (home / "versions.txt").write_text(versions)
    pip = [str(home / "venv" / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, str(wheel), "-c", str(home / "versions.txt")], check=True, capture_output=True)
    folder = home / "our drills"
    folder.mkdir()
    made = Consumer(home / "venv" / "bin", folder)
    assert made.run("drillbook", "init", ".").returncode == 0
    yield made
    made.run("drillbook", "cloud", "down")


def test_its_first_drill_passes_and_can_be_verified(consumer: Consumer) -> None:
    done = consumer.drill("drillbook", "run", "--json", "out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    (drill,) = json.loads((consumer.folder / "out.json").read_text())["drills"]
    assert (drill["verdict"], drill["leftovers"]) == ("PASS", 0)
    evidence = (consumer.folder / "reports" / "latest").resolve() / drill["evidence"]
    assert consumer.run("drillbook", "verify", str(evidence)).returncode == 0
    assert "the outage is announced to" in (evidence / "events.jsonl").read_text()


def test_plain_pytest_does_the_same_job(consumer: Consumer) -> None:
    done = consumer.drill("pytest", "features/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_its_sabotages_turn_the_drill_red(consumer: Consumer) -> None:
    listed = json.loads(consumer.run("drillbook", "list", "--json").stdout)
    (service,) = listed["services"]
    assert service["sabotages"]
    for name in service["sabotages"]:
        done = consumer.run("drillbook", "run", "--sabotage", name, "--json", "out.json")
        assert done.returncode == 1, f"{name}: {done.stdout}{done.stderr}"
        (drill,) = json.loads((consumer.folder / "out.json").read_text())["drills"]
        assert drill["verdict"] in ("FAIL", "INVALID")
        assert drill["causes"]


def test_a_step_of_its_own_takes_the_place_of_a_shipped_one(consumer: Consumer) -> None:
    (consumer.folder / "own").mkdir()
    (consumer.folder / "own" / "conftest.py").write_text(
        "from pytest_bdd import given\nfrom drillbook_steps.phrases import sentence\n\n"
        "@given(sentence('the canary is running'))\ndef _():\n    print('our own canary')\n"
    )
    (consumer.folder / "own" / "a.feature").write_text("Feature: A\n  Scenario: B\n    Given the canary is running\n")
    (consumer.folder / "own" / "test_own.py").write_text("from pytest_bdd import scenarios\nscenarios('.')\n")
    done = consumer.run("pytest", "own", "-s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "our own canary" in done.stdout
