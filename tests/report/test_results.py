"""results.json, JUnit, summaries, the index page and the trend."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.clock import VirtualClock
from drillbook.errors import EvidenceError
from drillbook.events import EventKind, EventStream
from drillbook.report import index, junit, results, strict_json, summary, trend, wording
from drillbook.report.evidence import EvidenceWriter, directory_name, slug

from . import stories

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, made_up: Callable[..., Any]) -> list[dict[str, Any]]:
    base = tmp_path_factory.mktemp("run")
    passed = made_up().write(base / "pass")
    failed = made_up(back=99.0, lost=12, rpo=2.0, name="Products | are <gone>").write(base / "fail")
    return [passed, failed]


@settings(deadline=None, max_examples=80)
@given(json_values)
def test_any_value_becomes_json_that_every_parser_takes(value: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    again = json.loads(strict_json.document(value), parse_constant=refuse)
    assert again == json.loads(strict_json.line(value), parse_constant=refuse)
    assert json.loads(json.dumps(again)) == again


def test_half_a_character_does_not_keep_evidence_from_being_written() -> None:
    assert strict_json.line({"said": "\ud800"}).encode() == b'{"said":"?"}'


def test_an_entry_has_every_key_of_the_contract(both: list[dict[str, Any]]) -> None:
    for entry in both:
        assert set(results.KEYS) <= entry.keys()
        assert {"lo", "hi", "objective", "basis"} <= entry["rto"].keys() & entry["rpo"].keys()
        assert isinstance(entry["rto"]["lo"], float)


def test_a_censored_bound_is_null(both: list[dict[str, Any]]) -> None:
    assert both[1]["rto"]["hi"] is None
    assert both[1]["rto"]["lo"] > 6


def test_a_drill_without_a_judgement_has_the_same_keys() -> None:
    entry = results.entry({"service": "s", "drill": "d"}, {"verdict": "NOT SIMULATED"}, left_over=[], evidence="d")
    assert set(results.KEYS) <= entry.keys()
    assert entry["causes"] == []
    assert "NOT SIMULATED" in summary.terminal([entry])
    assert "nothing was measured" in summary.markdown([entry])


def test_results_are_written_and_read(tmp_path: Path, both: list[dict[str, Any]]) -> None:
    results.write(tmp_path / "deep" / "results.json", both)
    assert results.read(tmp_path / "deep" / "results.json") == both
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(EvidenceError, match=r"broken\.json is not JSON"):
        results.read(tmp_path / "broken.json")


def test_junit_counts_and_carries_the_numbers(tmp_path: Path, both: list[dict[str, Any]]) -> None:
    third = {**both[0], "verdict": "INVALID", "causes": []}
    fourth = {**both[0], "verdict": "NOT SIMULATED", "causes": ["no \x00 PITR"]}
    junit.write(tmp_path / "junit.xml", [*both, third, fourth])
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    counted = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    numbers = {each.get("name"): each.get("value") for each in suite[0].iter("property")}
    assert numbers["rto hi (s)"] == "3.700"
    assert numbers["basis"] == "emulated"
    failure = suite[1].find("failure")
    assert failure is not None
    assert "not recovered" in (failure.get("message") or "")


def test_the_terminal_summary_names_numbers_causes_basis_and_report(both: list[dict[str, Any]]) -> None:
    text = summary.terminal(both, "reports/r/index.html")
    for told in (
        "1 PASS, 1 FAIL",
        "RTO 3.50–3.70 s (objective 5 min)",
        "> 6.90 s",
        "lost 12 of 60",
        "not an actual RTO",
    ):
        assert told in text, told
    assert text.endswith("reports/r/index.html")


def test_github_gets_a_table_in_which_names_cannot_break_out(both: list[dict[str, Any]]) -> None:
    text = summary.markdown(both)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}
    assert r"Products \| are \<gone\>" in text


def test_the_github_summary_is_appended_only_in_actions(tmp_path: Path, both: list[dict[str, Any]]) -> None:
    assert summary.append_github_summary({}, both) is False
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    assert summary.append_github_summary({"GITHUB_STEP_SUMMARY": str(path)}, both) is True
    assert path.read_text().startswith("before\n## Drills: 1 PASS, 1 FAIL")


def test_the_index_links_each_drill_and_draws_its_trend(tmp_path: Path, both: list[dict[str, Any]]) -> None:
    for _ in range(3):
        trend.append(tmp_path / "trend.jsonl", both, VirtualClock())
    page = index.write(tmp_path / "run", both).read_text()
    assert 'href="pass/page.html"' in page
    assert "the last 3 runs" in page
    assert page.count('class="spark"') == 1  # a censored number has no place in a trend
    assert "are &lt;gone&gt;" in page


def test_runs_on_another_basis_do_not_enter_a_trend(tmp_path: Path, both: list[dict[str, Any]]) -> None:
    trend.append(tmp_path / "trend.jsonl", [{**both[0], "basis": "measured-aws"}] * 3, VirtualClock())
    assert 'spark"' not in index.write(tmp_path / "run", both).read_text()


def test_an_index_without_drills_says_so(tmp_path: Path) -> None:
    assert "No drill was run" in index.write(tmp_path / "run", []).read_text()


def test_a_torn_line_does_not_end_a_trend(tmp_path: Path, both: list[dict[str, Any]]) -> None:
    path = tmp_path / "trend.jsonl"
    trend.append(path, both, VirtualClock())
    path.write_text(path.read_text() + '{"torn": ')
    assert len(trend.read(path)) == 2
    assert trend.read(path)[0]["root"] == both[0]["root"]
    assert trend.read(tmp_path / "none.jsonl") == []


def test_allure_metrics_hold_upper_ends_and_leave_out_censored_ones(tmp_path: Path, both: list[dict[str, Any]]) -> None:
    path = trend.write_allure_metrics(tmp_path, both, VirtualClock())
    assert path is not None
    metrics = {metric["key"]: metric["value"] for metric in json.loads(path.read_text())}
    assert metrics["drill.rto.product-lambda.a-bad-deployment-breaks-the-product-list"] == 3.7
    assert not any("rto" in key and "gone" in key for key in metrics)
    assert trend.write_allure_metrics(tmp_path, [], VirtualClock()) is None


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ({"lo": 12.314, "hi": 12.361}, "12.31–12.36 s"),
        ({"lo": 0.0, "hi": 0.18}, "0–180 ms"),
        ({"lo": 0.0, "hi": 90.0}, "0 s – 1 min 30 s"),
        ({"lo": 1800.0, "hi": None}, "> 30 min"),
        ({"lo": 5.0, "hi": 5.0}, "5.00 s"),
        ({}, "not measured"),
        (None, "not measured"),
        ({"lo": 0.0, "hi": None}, "not measured"),
    ],
)
def test_an_interval_in_words(interval: Any, text: str) -> None:
    assert wording.interval_text(interval) == text


def test_a_slug_keeps_words_of_any_script_and_is_never_empty() -> None:
    assert slug("A bad deployment — breaks it!") == "a-bad-deployment-breaks-it"
    assert slug("表の復元") == "表の復元"
    assert slug("…") == "drill"
    assert len(slug("word " * 50)) <= 60


def test_drills_of_two_services_with_one_name_have_directories_of_their_own() -> None:
    assert directory_name("notes-http", "A region is lost") == "notes-http-a-region-is-lost"
    assert directory_name("", "A region is lost") == "a-region-is-lost"


def test_evidence_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("evidence")
    with pytest.raises(Exception, match="already holds evidence"):
        EvidenceWriter(tmp_path, EventStream(VirtualClock()))


def test_events_are_on_disk_before_the_drill_ends(tmp_path: Path) -> None:
    events = EventStream(VirtualClock())
    events.emit(EventKind.STAGE, "before the writer came")
    writer = EvidenceWriter(tmp_path / "d", events)
    events.emit(EventKind.CALL, "s3.PutObject", request_id="r-1", seconds=float("inf"))
    assert (tmp_path / "d" / "events.jsonl").read_text().count("\n") == 2
    assert json.loads((tmp_path / "d" / "calls.jsonl").read_text())["seconds"] is None
    writer.close()
    events.emit(EventKind.ENDED, "")
    assert (tmp_path / "d" / "events.jsonl").read_text().count("\n") == 2


def test_a_drill_in_which_nothing_struck_is_listed_without_a_recovery(tmp_path: Path) -> None:
    entry = stories.backup_test(tmp_path / "d")
    for text in (summary.terminal([entry]), summary.markdown([entry])):
        assert "“restore the latest backup” took 3 s; 2 of 2 checks held" in text
        assert "RTO measured" not in text
    junit.write(tmp_path / "junit.xml", [entry])
    assert "rto" not in (tmp_path / "junit.xml").read_text()


def test_every_objective_is_listed_in_its_own_unit(tmp_path: Path) -> None:
    entry = stories.failback(tmp_path / "d")
    assert "writes lost between the cut-overs 2 (objective no write)" in summary.terminal([entry])
    named = junit.measured(entry)
    assert named["writes lost between the cut-overs hi (writes)"] == "2"
    assert named["interruption by the cut-over objective (s)"] == "60.000"
