"""Whatever is done to an evidence directory after the drill, verification finds it and names the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.errors import EvidenceError
from drillbook.report import manifest
from drillbook.report.verify import Verification, differences, verify

FILES = [
    "calls.jsonl", "checks.json", "configuration.json", "drill.json", "events.jsonl", "final.json", "history.jsonl",
    "journal.jsonl", "manifest.json", "page.html", "review.md", "timeline.svg", "verdict.json",
]  # fmt: skip


def refused(directory: Path) -> str:
    with pytest.raises(EvidenceError) as caught:
        verify(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rewrite(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file, and cover it up in the manifest."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    manifest.write(path.parent)


def test_an_untouched_directory_verifies(evidence: Path) -> None:
    found = verify(evidence)
    assert (found.verdict, found.operations, found.files) == ("PASS", 240, 12)
    assert found.as_json()["root"] == json.loads((evidence / "manifest.json").read_text())["root"]
    assert "PASS again" in str(found)


def test_a_failed_drill_verifies_too(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    made_up(back=99.0, lost=12, rpo=2.0).write(tmp_path / "d")
    assert verify(tmp_path / "d").verdict == "FAIL"


def test_the_evidence_holds_exactly_these_files(evidence: Path) -> None:
    assert sorted(path.name for path in evidence.iterdir()) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_named(evidence: Path, name: str) -> None:
    path = evidence / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert name in refused(evidence)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(evidence: Path, name: str) -> None:
    (evidence / name).unlink()
    assert name in refused(evidence)


def test_an_added_file_is_named(evidence: Path) -> None:
    (evidence / "note.txt").write_text("all good")
    assert "note.txt" in refused(evidence)


def test_a_directory_instead_of_a_file_is_refused(evidence: Path) -> None:
    (evidence / "final.json").unlink()
    (evidence / "final.json").mkdir()
    assert "final.json" in refused(evidence)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "manifest.json is missing" in refused(tmp_path / "nowhere")


def test_a_better_verdict_is_found_although_the_manifest_agrees(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    directory = tmp_path / "d"
    made_up(back=99.0).write(directory)
    rewrite(directory / "verdict.json", lambda verdict: verdict.update(verdict="PASS"))
    assert "verdict is 'PASS', judged again 'FAIL'" in refused(directory)


def test_a_better_number_is_found_although_the_manifest_agrees(evidence: Path) -> None:
    rewrite(evidence / "verdict.json", lambda verdict: verdict["rto"].update(hi=0.5))
    assert "rto.hi is 0.5" in refused(evidence)


def test_a_cause_that_was_taken_out_is_found(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    made_up(back=99.0).write(tmp_path / "d")
    rewrite(tmp_path / "d" / "verdict.json", lambda verdict: verdict.update(causes=[]))
    assert "causes" in refused(tmp_path / "d")


def test_a_drill_may_add_a_cause_and_withhold_its_verdict(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    made_up(more={"verdict": "INVALID", "causes": ["left over: a table"]}).write(tmp_path / "d")
    assert verify(tmp_path / "d").verdict == "INVALID"


def test_an_edited_history_is_found_although_the_manifest_agrees(evidence: Path) -> None:
    path = evidence / "history.jsonl"
    path.write_text(path.read_text().replace("HTTP 502", "HTTP 200", 1))
    manifest.write(evidence)
    assert "history.jsonl" in refused(evidence)


def test_another_check_result_is_found_although_the_manifest_agrees(evidence: Path) -> None:
    rewrite(evidence / "checks.json", lambda checks: checks[0].update(ok=False))
    assert "checks.json" in refused(evidence)


def test_a_drill_that_measured_nothing_must_not_claim_a_verdict(evidence: Path) -> None:
    rewrite(evidence / "drill.json", lambda drill: drill.update(run=None))
    assert "nothing was measured" in refused(evidence)
    rewrite(evidence / "verdict.json", lambda verdict: verdict.update(verdict="FAIL", objectives=[], rto=None))
    assert "its checks give" in refused(evidence)
    rewrite(evidence / "verdict.json", lambda verdict: verdict.update(verdict="NOT SIMULATED"))
    assert verify(evidence).operations == 0


@pytest.mark.parametrize("run", [{}, [], "run", {"fault": None}, {"fault": {"lo": 2, "hi": 1}}])
def test_malformed_inputs_of_the_judge_are_one_line(evidence: Path, run: Any) -> None:
    rewrite(evidence / "drill.json", lambda drill: drill.update(run=run))
    refused(evidence)


@pytest.mark.parametrize("name", ["drill.json", "verdict.json", "checks.json", "final.json", "manifest.json"])
@pytest.mark.parametrize("content", ["", "[1", "7", "[]", '"x"', "NaN", "[" * 100000])
def test_malformed_json_is_one_line(evidence: Path, name: str, content: str) -> None:
    (evidence / name).write_text(content)
    if name != "manifest.json":
        manifest.write(evidence)
    if (name, content) != ("checks.json", "[]"):
        refused(evidence)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(pristine: Path, tmp_path: Path, name: str, place: float, bit: int) -> None:
    directory = tmp_path / "copy"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(pristine, directory)
    content = bytearray((directory / name).read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (directory / name).write_bytes(content)
    refused(directory)


def test_differences_tell_the_path_and_both_values() -> None:
    assert list(differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]})) == [("a[1].b", 2, 3)]
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [("a", [1], [1, 2])]


def test_a_verification_names_where_it_looked(evidence: Path) -> None:
    assert isinstance(verify(evidence), Verification)
    assert verify(evidence).as_json()["directory"] == str(evidence)
