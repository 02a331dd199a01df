"""``drillbook programme``, and ``--programme`` of plan and run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook.cli.init import example_home

from .conftest import Said

Call = Callable[..., Said]


def test_list_and_show_tell_cadence_owner_and_drills(call: Call, root: Path) -> None:
    code, out, _ = call("programme", "list")
    assert code == 0
    assert out.splitlines()[0] == "weekly — Quick ones (every 7 d, grace 2 d, on-call engineer)"
    assert "ci — no title (30 5 * * *, grace 1 d)" in out
    code, out, _ = call("programme", "show", "weekly", "--json")
    assert [drill["drill"] for drill in json.loads(out)["drills"]] == ["The server dies"]


def drillbook(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as its user runs it."""
    command = [sys.executable, "-m", "drillbook.cli", *words, "--root", str(root)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=90, check=False)


def test_plan_shows_the_drills_of_the_programme_alone(root: Path) -> None:
    done = drillbook(root, "plan", "--programme", "weekly")
    assert done.returncode == 0, done.stderr
    assert "The server dies" in done.stdout
    assert "The disk is full" not in done.stdout


@pytest.mark.slow
def test_results_and_evidence_carry_the_programme_and_what_was_run_is_no_longer_due(tmp_path: Path) -> None:
    for kind in ("drills", "features"):
        shutil.copytree(example_home() / kind / "notes-http", tmp_path / kind / "notes-http")
    (tmp_path / "drills" / "programmes.yaml").write_text(
        "programmes:\n  weekly: {every: 7 d, drills: [{service: notes-http}]}\n"
    )
    assert drillbook(tmp_path, "due").returncode == 1
    done = drillbook(tmp_path, "run", "--programme", "weekly", "--json", "out.json")
    assert done.returncode == 0, done.stderr
    (drill,) = json.loads((tmp_path / "out.json").read_text())["drills"]
    told = json.loads((tmp_path / "reports" / "latest" / drill["evidence"] / "drill.json").read_text())
    assert drill["programme"] == told["programme"] == "weekly"
    due = drillbook(tmp_path, "due")
    assert due.returncode == 0, due.stdout + due.stderr
    assert "✓  done" in due.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--programme", "wekly"), "did you mean 'weekly'?"),
        (("run", "other", "--programme", "weekly"), "has no drill of other"),
        (("run", "--programme", "weekly", "--target", "aws"), "notes has no target 'aws'"),
        (("programme", "show", "x"), "there is no programme 'x'"),
        (("programme", "export", "--format", "paper"), "paper"),
        (("run", "-n", "2", "--keep-cloud"), "leave out -n"),
        (("run", "-n", "0"), "-n"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_starts(
    call: Call, root: Path, words: tuple[str, ...], told: str
) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not (root / "reports").exists()


def test_an_empty_programme_is_not_run(call: Call, written: Callable[[str], Path]) -> None:
    written("programmes:\n  later: {every: 1 d}\n")
    code, _, err = call("run", "--programme", "later")
    assert code == 2
    assert "drills/programmes.yaml:2:3: the programme 'later' has no drills — list some" in err
    assert call("programme", "list")[1].endswith("no drills yet\n")
