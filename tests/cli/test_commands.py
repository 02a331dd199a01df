"""What each command answers, with good input and with bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drillbook.cli import catalogue, run
from drillbook.cli.root import find_root
from drillbook.errors import UsageError
from drillbook.journal import default_path


def test_list_names_services_drills_and_sabotages(call, root: Path) -> None:
    out = call("list").out
    assert "notes — Notes (local, RTO 5 min, RPO 15 min)" in out
    assert "The server dies  [features/notes/server.feature:4]" in out
    assert "sabotages: not started" in out


def test_list_as_json_has_the_tags(call, root: Path) -> None:
    (service,) = json.loads(call("list", "--json").out)["services"]
    assert service["objectives"] == {"rto": 300.0, "rpo": 900.0}
    assert service["drills"][0]["tags"] == ["@runbook:007"]


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("title: Notes", "titel: Notes", "drills/notes/service.yaml:2:1: unknown key 'titel'"),
        ("rto: 5 min", "rto: 5 minits", "drills/notes/service.yaml:5:"),
        ("skip: start it", "skip: [", "drills/notes/service.yaml:"),
    ],
)
def test_a_mistake_in_a_service_file_is_told_with_its_place(
    call, root: Path, was: str, becomes: str, told: str
) -> None:
    file = root / "drills" / "notes" / "service.yaml"
    file.write_text(file.read_text().replace(was, becomes))
    for command in ("list", "plan", "run"):
        said = call(command)
        assert said.code == 2
        assert told in said.line


def test_a_broken_feature_is_told_with_its_place(call, root: Path) -> None:
    (root / "features" / "notes" / "server.feature").write_text(
        "Feature: Notes\n\n  Scenario: A\n    Given a\n    nonsense\n"
    )
    said = call("list")
    assert said.code == 2
    assert "features/notes/server.feature:5:" in said.line


@pytest.mark.parametrize("command", ["run", "plan", "doctor"])
def test_an_unknown_service_is_told_with_the_nearest(call, root: Path, command: str) -> None:
    said = call(command, "nots")
    assert said.code == 2
    assert "no service 'nots'" in said.line
    assert "did you mean 'notes'" in said.line


def test_a_service_without_features_is_told_so(call, root: Path) -> None:
    (root / "features" / "notes" / "server.feature").unlink()
    said = call("run", "notes")
    assert said.code == 2
    assert "notes has no drills" in said.line


@pytest.mark.parametrize("words", [["run", "notes"], ["run"], ["plan"]])
def test_a_target_that_no_service_has_is_told(call, root: Path, words: list[str]) -> None:
    said = call(*words, "--target", "moon")
    assert said.code == 2
    assert "'moon'" in said.line


def test_features_that_pytest_would_not_see_are_told(call, root: Path) -> None:
    (root / "features" / "notes" / "test_features.py").unlink()
    said = call("run")
    assert said.code == 2
    assert 'scenarios(".")' in said.line


def test_results_cannot_go_to_a_folder_that_is_not_there(call, root: Path) -> None:
    said = call("run", "--json", "nowhere/out.json")
    assert said.code == 2
    assert "nowhere/out.json" in said.line


def test_outside_a_repository_it_says_what_to_do(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = call("heal")
    assert said.code == 2
    assert "drillbook init my-drills" in said.line


def test_the_root_is_found_upwards_then_by_the_wrapper(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = root / "drills" / "notes"
    monkeypatch.chdir(deep)
    assert find_root(None) == root
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("DRILLBOOK_CHECKOUT", str(root))
    assert find_root(None) == root
    with pytest.raises(UsageError, match=r"holds no drills/<service>/service\.yaml"):
        find_root(elsewhere)


def test_healing_where_nothing_is_broken_restores_nothing_and_makes_no_file(call, root: Path) -> None:
    said = call("heal", "--json")
    answer = json.loads(said.out)
    assert (said.code, answer["restored"], answer["remaining"]) == (0, 0, 0)
    assert not default_path(root).exists()


def test_a_journal_that_is_no_journal_is_one_line_and_exit_code_4(call, root: Path) -> None:
    default_path(root).parent.mkdir()
    default_path(root).write_bytes(b"something else entirely, and long enough to be looked at" * 100)
    said = call("heal")
    assert said.code == 4
    assert "journal" in said.line


def test_verify_says_which_file_is_missing(call, tmp_path: Path) -> None:
    said = call("verify", str(tmp_path))
    assert said.code == 2
    assert "manifest.json" in said.line


def test_verify_says_which_file_is_malformed(call, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    said = call("verify", str(tmp_path))
    assert said.code == 2
    assert "manifest.json" in said.line


def test_no_cloud_is_exit_code_1_for_status_and_no_error_for_down(call, root: Path) -> None:
    said = call("cloud", "status", "--json")
    assert (said.code, json.loads(said.out)) == (1, {"running": False})
    assert call("cloud", "down").code == 0


def test_doctor_tells_an_endpoint_that_does_not_answer(call, root: Path) -> None:
    file = root / "drills" / "notes" / "service.yaml"
    file.write_text(file.read_text().replace("local: {values", 'localstack: {endpoint: "http://127.0.0.1:9", values'))
    said = call("doctor", "notes", "--json")
    answer = json.loads(said.out)
    (target,) = [finding for finding in answer["findings"] if finding["about"] == "target"]
    assert said.code == 4
    assert target["ok"] is False
    assert "http://127.0.0.1:9" in target["detail"]


def test_doctor_finds_nothing_wrong_with_a_sound_repository(call, root: Path) -> None:
    said = call("doctor", "--json")
    answer = json.loads(said.out)
    assert [finding for finding in answer["findings"] if finding["ok"] is False] == []
    assert said.code == 0


def test_every_shipped_sentence_has_a_meaning() -> None:
    found = catalogue.sentences()
    assert len(found) > 10
    assert [line.text for line in found if not line.meaning] == []
    assert len({(line.keyword, line.text) for line in found}) == len(found)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [(0, 0, 0), (1, 1, 1), (1, 2, 2), (1, 3, 3), (1, 4, 4), (0, 1, 1), (2, 2, 130), (3, 3, 4), (4, 4, 2), (5, 5, 2)],
)
def test_exit_codes_are_drillbooks_not_pytests(before: int, after: int, code: int) -> None:
    outcome = run._Outcome()
    outcome.before = before
    assert outcome.in_own_words(after) == code


def test_the_options_of_run_travel_to_pytest(root: Path) -> None:
    wish = run.Wish("notes", ("dies", "again"), "local", "not started", Path("out.json"), Path("rep"), 50, go=True)
    options = list(run._options(root, wish))
    for expected in (
        f"--drillbook-root={root}",
        "--drillbook-target=local",
        "--drillbook-drill=dies",
        "--drillbook-drill=again",
        "--drillbook-sabotage=not started",
        f"--drillbook-json={root / 'out.json'}",
        f"--drillbook-reports={root / 'rep'}",
        "--drillbook-rate=50",
        "--drillbook-go",
    ):
        assert expected in options
    assert "--drillbook-plan" not in options
