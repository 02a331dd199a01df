"""The page: what it must tell, and that it stands alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from drillbook.measure.run import Check
from drillbook.objective import Basis
from drillbook.report import index, page

from . import stories

VOID = {"meta", "br", "hr", "img", "input", "link", "rect", "line", "path", "circle", "polyline"}


class Nesting(HTMLParser):
    """Fails where tags do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(path: Path) -> tuple[str, str]:
    """The page's markup and its text. Fails if tags do not nest."""
    markup = path.read_text()
    parser = Nesting()
    parser.feed(markup)
    parser.close()
    assert parser.open == []
    return markup, " ".join(" ".join(parser.text).split())


def test_a_passing_drill_tells_verdict_numbers_and_objectives(evidence: Path) -> None:
    _, text = read(evidence / page.NAME)
    for told in (
        "Product catalogue API",
        "✓ PASS",
        "3.50–3.70 s",
        "allowed 5 min",
        "function_failure.feature:17",
        "of 60",
    ):
        assert told in text, told


def test_the_page_holds_every_part_of_the_evidence(evidence: Path) -> None:
    _, text = read(evidence / page.NAME)
    told = [
        "roll back", "over", "ttl.enabled", "products-20260101", "lambda.UpdateFunctionCode", "ThrottlingException",
        "-0000-4000-8000-000000000000", "deploy a broken handler", "200 of 200 products", "ALARM", "boto3",
        "drillbook verify a-bad-deployment", "function:product-list", "blast radius rail",
    ]  # fmt: skip
    assert [part for part in told if part not in text] == []


def test_an_emulated_number_is_never_called_actual(evidence: Path) -> None:
    _, text = read(evidence / page.NAME)
    assert "this validates the plan; it is not an actual RTO" in text
    assert "RTO, emulated" in text
    assert "are divided by 100." in text


def test_a_number_measured_on_aws_carries_no_warning(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    made_up(basis=Basis.MEASURED_AWS).write(tmp_path / "d")
    _, text = read(tmp_path / "d" / page.NAME)
    assert "not an actual RTO" not in text
    assert "RTO, emulated" not in text


def test_a_failing_drill_names_cause_loss_and_censoring(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    made_up(back=99.0, lost=12, rpo=2.0, sabotage="skipped rollback").write(tmp_path / "d")
    _, text = read(tmp_path / "d" / page.NAME)
    for told in ("✗ FAIL", "> 6.90 s", "lost 12 of 60", "broken on purpose", "skipped rollback", "created, then gone"):
        assert told in text, told
    assert "not before the drill ended" in text


def test_a_check_that_could_not_tell_is_not_shown_as_passed(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    made_up(checks=(Check("contents", None, "no answer"),)).write(tmp_path / "d")
    assert "? unknown no answer" in read(tmp_path / "d" / page.NAME)[1]


def test_the_page_stands_alone(evidence: Path) -> None:
    markup, _ = read(evidence / page.NAME)
    assert not re.search(r"(?i)<script|<link|<iframe|<img|@import|\bon[a-z]+=", markup)
    outside = [url for url in re.findall(r"(?:https?:)?//[^\s\"'<)]+", markup) if url != "http://www.w3.org/2000/svg"]
    assert outside == []


def test_markup_in_names_and_values_is_text(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    evil = "<script>alert(1)</script>\"'&"
    made_up(name=evil, sabotage=evil, checks=(Check(evil, False, evil),)).write(tmp_path / "d")
    markup, text = read(tmp_path / "d" / page.NAME)
    assert "<script" not in markup
    assert evil in text


def test_the_page_is_made_for_phone_print_and_dark(evidence: Path) -> None:
    markup, _ = read(evidence / page.NAME)
    for part in ('name="viewport"', "@media print", "prefers-color-scheme:dark", "overflow-x:auto", '<html lang="en">'):
        assert part in markup


def test_every_table_with_columns_has_header_cells(evidence: Path) -> None:
    markup, _ = read(evidence / page.NAME)
    heads = re.findall(r"<thead>.*?</thead>", markup, flags=re.S)
    assert heads
    assert all('scope="col"' in head and "<td" not in head for head in heads)


@pytest.mark.parametrize("missing", ["verdict.json", "history.jsonl", "final.json", "events.jsonl", "journal.jsonl"])
def test_a_drill_that_broke_halfway_still_gets_its_page(evidence: Path, missing: str) -> None:
    (evidence / missing).unlink()
    page.write(evidence)
    read(evidence / page.NAME)


def test_a_killed_canarys_torn_history_is_drawn_as_far_as_it_goes(evidence: Path) -> None:
    whole = (evidence / "history.jsonl").read_bytes()
    (evidence / "history.jsonl").write_bytes(whole[: len(whole) // 2])
    page.write(evidence)
    assert "▼" in (evidence / "page.html").read_text()


def test_a_long_list_of_calls_is_cut_and_says_so(tmp_path: Path, evidence: Path) -> None:
    events = (evidence / "events.jsonl").read_text().splitlines(keepends=True)
    call = next(line for line in events if '"kind":"call"' in line)
    (evidence / "events.jsonl").write_text("".join([*events, *[call] * 500]))
    page.write(evidence)
    assert "more in calls.jsonl" in read(evidence / page.NAME)[1]


def test_a_way_home_is_told_as_a_disruption_of_its_own(tmp_path: Path) -> None:
    stories.failback(tmp_path / "d")
    _, text = read(tmp_path / "d" / page.NAME)
    for told in (
        "Interruption by the cut-over, emulated 400–600 ms",
        "allowed 1 min",
        "Lost between the cut-overs 2 writes",
        "allowed no write · ✗ FAIL",
        "fail back · planned cut-over",
        "cut-over starts",
        "The cut-over, larger",
    ):
        assert told in text, told


def test_each_fault_each_lift_and_each_run_of_a_plan_is_told(tmp_path: Path) -> None:
    stories.failback(tmp_path / "d")
    _, text = read(tmp_path / "d" / page.NAME)
    for told in ("fault in effect: primary region dark", "fault in effect: link cut", "fault over", "Recovery plans"):
        assert told in text, told
    assert len(re.findall(r"fail over Began \+\S+ \S+ from the fault and took", text)) == 2


def test_who_was_told_what_and_which_step_nobody_did_by_hand(tmp_path: Path) -> None:
    stories.failback(tmp_path / "d")
    _, text = read(tmp_path / "d" / page.NAME)
    assert "declared: us-east-1 is lost" in text
    assert "notice sent: DR event serving from us-west-2" in text
    assert "call the team (by a person, acknowledged automatically)" in text


def test_a_drill_in_which_nothing_struck_claims_no_recovery(tmp_path: Path) -> None:
    stories.backup_test(tmp_path / "d")
    markup, text = read(tmp_path / "d" / page.NAME)
    for told in ("Checks that hold 2 of 2", "Plan took, emulated 3 s", "From the beginning", "it is 12 min old"):
        assert told in text, told
    for absent in ("RTO", "RPO", "served all the time", "No acknowledged write was lost", "From the fault"):
        assert absent not in re.sub(r"not an actual RTO", "", text), absent
    assert "None" not in re.sub(r"<style.*?</style>", "", markup, flags=re.S)


def test_the_index_goes_by_service_and_tells_every_objective(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    entries = [
        made_up().write(tmp_path / "a"),
        stories.failback(tmp_path / "b"),
        stories.backup_test(tmp_path / "c"),
    ]
    index.write(tmp_path, entries)
    _, text = read(tmp_path / index.NAME)
    assert text.index("product-lambda") < text.index("roadcall") < text.index("Monthly backup test")
    for told in (
        "writes lost between the cut-overs 2 of no write allowed",
        "“restore the latest backup” took 3 s; 2 of 2 checks held",
    ):
        assert told in text, told
