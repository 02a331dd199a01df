"""The post-incident review: what it holds, what it leaves to people, and that it can be written before the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drillbook.clock import VirtualClock
from drillbook.events import EventKind, EventStream
from drillbook.measure.run import Check
from drillbook.objective import Basis
from drillbook.report import notices, review
from drillbook.world import World

from . import stories

SECTIONS = [
    "Summary", "Timeline (UTC)", "Impact", "Objectives", "Detection, decision, recovery", "What went well",
    "What did not", "Open questions", "Action items", "Runbook updates",
]  # fmt: skip


def section(text: str, name: str) -> str:
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.fixture
def lossy(tmp_path: Path, made_up: Callable[..., Any]) -> str:
    """The review of a drill that lost three records, missed its RPO and overran a budget."""
    made_up(lost=3, rpo=1.0, checks=(Check("products are intact", False, "3 are gone"),)).write(tmp_path / "d")
    return (tmp_path / "d" / review.NAME).read_text()


def test_it_has_all_its_sections_in_order(lossy: str) -> None:
    assert re.findall(r"^## (.*)$", lossy, flags=re.M) == SECTIONS


def test_the_timeline_tells_instants_steps_and_changes_with_times_of_day(lossy: str) -> None:
    timeline = section(lossy, "Timeline (UTC)")
    assert re.search(r"\| 00:00:07.400 \| \+2.4 s \| “function errors alarm” reads not ok: ALARM \|", timeline)
    assert "step “roll back”, done in 900 ms of 1 min" in timeline
    assert "changed: deploy a broken handler" in timeline
    assert "put back: deploy a broken handler" in timeline
    assert "Times of day are of 2026-01-01" in timeline
    offsets = [line.split("|")[2].strip() for line in timeline.splitlines() if line.startswith("| 00:")]
    assert offsets.index("0 s") < offsets.index("+2.4 s")
    assert "blast radius rail" not in timeline


def test_the_impact_tells_outage_failed_requests_and_each_lost_record(lossy: str) -> None:
    impact = section(lossy, "Impact")
    assert re.search(r"Unavailable to clients: 3\.\d+–3\.\d+ s", impact)
    assert re.search(r"answered badly until the service was back: 5\d of 7\d \(7\d%\)", impact)
    assert impact.count("(lost), acknowledged −") == 3
    assert impact.count(", version ") == 3
    assert "canary-7f3a-7, version 1" in impact


def test_findings_become_actions_and_runbook_updates(lossy: str) -> None:
    assert "the step “check” took 200 ms, more than its budget of 100 ms" in section(lossy, "What did not")
    assert "| 1 | make “check” faster, or raise its budget" in section(lossy, "Action items")
    assert "“check”: budget 100 ms, measured 200 ms" in section(lossy, "Runbook updates")
    assert "after the restore, carry over: ttl.enabled" in section(lossy, "Runbook updates")
    assert "find out why “products are intact” did not hold" in section(lossy, "Action items")
    assert "RTO: 3.50–3.70 s, allowed 5 min" in section(lossy, "What went well")
    assert "RPO" in section(lossy, "What did not")


def test_what_only_people_know_is_left_to_them(lossy: str) -> None:
    assert f"Root cause: {review.PEOPLE}" in section(lossy, "Open questions")
    assert section(lossy, "Action items").count(review.PEOPLE) >= 2


def test_a_drill_without_losses_says_so(pristine: Path) -> None:
    text = (pristine / review.NAME).read_text()
    assert "no acknowledged write was lost" in section(text, "What went well")
    assert "Acknowledged writes lost: 0 of 60" in section(text, "Impact")


def test_an_emulated_drill_never_reads_as_an_actual_one(pristine: Path, tmp_path: Path, made_up: Any) -> None:
    assert "not an actual RTO" in (pristine / review.NAME).read_text()
    made_up(basis=Basis.MEASURED_AWS).write(tmp_path / "d")
    assert "not an actual RTO" not in (tmp_path / "d" / review.NAME).read_text()


def test_names_and_values_cannot_break_out_of_their_place(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    evil = "a | b\n## Forged\n<script>"
    made_up(name=evil, checks=(Check(evil, False, evil),)).write(tmp_path / "d")
    text = (tmp_path / "d" / review.NAME).read_text()
    assert re.findall(r"^## (.*)$", text, flags=re.M) == SECTIONS
    assert "<script" not in text


@pytest.mark.parametrize("missing", ["verdict.json", "history.jsonl", "events.jsonl", "checks.json"])
def test_a_drill_that_broke_halfway_has_a_review_too(evidence: Path, missing: str) -> None:
    (evidence / missing).unlink()
    assert review.write(evidence).read_text().startswith("# Post-incident review")


def under_way(*, judged: dict[str, Any] | None = None) -> World:
    """A world in which a fault has struck two minutes ago and a plan has run."""
    clock = VirtualClock()
    events = EventStream(clock)
    events.emit(EventKind.STARTED, "A region is lost", service="shop", basis="emulated")
    clock.sleep(60)
    events.emit(EventKind.INSTANT, "t_inject", fault="region dark")
    clock.sleep(20)
    events.emit(EventKind.READING, "health check", ok=False, value="Unhealthy")
    events.emit(EventKind.INSTANT, "t_detect")
    events.emit(EventKind.INSTANT, "t_exec0")
    clock.sleep(100)
    events.emit(EventKind.NOTE, "declared: us-east-1 is lost")
    if judged:
        events.emit(EventKind.JUDGED, "measured", **judged)
    service = SimpleNamespace(title="Shop", name="shop")
    return cast(World, SimpleNamespace(clock=clock, events=events, service=service, run_id="r", speed=1.0))


def test_it_can_be_written_before_the_drill_is_over() -> None:
    text = review.so_far(under_way())
    assert "“region dark” struck Shop" in section(text, "Summary")
    assert "“health check” noticed it after 20 s" in section(text, "Summary")
    assert "declared: us-east-1 is lost" in section(text, "Timeline (UTC)")
    assert "Not measured" in section(text, "Impact")
    assert "| Verdict | still under way |" in text


def test_once_judged_it_holds_loss_and_objectives_before_the_drill_is_over(pristine: Path) -> None:
    from drillbook.report import strict_json

    told = strict_json.read(pristine / "verdict.json")
    names = ("objectives", "rto", "rpo", "windows", "lost", "loss", "phases", "answered")
    text = review.so_far(under_way(judged={name: told[name] for name in names}))
    assert "| RTO | 5 min | 3.50–3.70 s | PASS |" in section(text, "Objectives")
    assert "Acknowledged writes lost: 0 of 60" in section(text, "Impact")


def test_the_notice_of_a_failover_estimates_until_it_is_measured(pristine: Path) -> None:
    from drillbook.report import strict_json

    world = under_way()
    point = world.clock.now() - timedelta(seconds=120 + 300)
    text = notices.failover_complete(world, region="us-west-2", recovery_point=point)
    assert "operational in us-west-2" in text
    assert "Total downtime: at most 2 min so far" in text
    assert "RPO achieved: 5 min, estimated from the recovery point" in text
    assert "written in the last 5 min before the outage" in text
    assert "This is a drill." in text
    judged = strict_json.read(pristine / "verdict.json")
    names = ("rto", "rpo", "lost", "loss")
    text = notices.failover_complete(under_way(judged={name: judged[name] for name in names}), region="us-west-2")
    assert "Total downtime: 3.50–3.70 s" in text
    assert "Estimated data loss: 0 acknowledged writes" in text


def test_without_a_recovery_point_the_notice_claims_nothing() -> None:
    text = notices.failover_complete(under_way(), region="us-west-2")
    assert "RPO achieved: not yet measured" in text
    assert "Estimated data loss: not yet known" in text


def test_an_incident_is_declared_with_when_and_by_what_it_was_noticed() -> None:
    text = notices.incident_declared(under_way(), "us-east-1 does not answer", region="us-west-2")
    assert re.search(r"Since: 20\S+Z", text)
    assert "Noticed by: health check" in text


def test_a_drill_that_measured_nothing_claims_nothing(tmp_path: Path) -> None:
    stories.broken(tmp_path / "d")
    text = (tmp_path / "d" / review.NAME).read_text()
    assert "No acknowledged write" not in text
    assert "INVALID: The instrument or the drill itself is broken" in section(text, "Summary")
    assert "the drill itself: the cloud was busy" in section(text, "What did not")
    assert "make the drill sound" in section(text, "Action items")


def test_a_drill_without_a_fault_tells_times_from_where_it_began(tmp_path: Path) -> None:
    stories.backup_test(tmp_path / "d")
    text = (tmp_path / "d" / review.NAME).read_text()
    assert "from the beginning" in section(text, "Timeline (UTC)")
    assert "No fault struck Roadside assistance" in section(text, "Summary")
    assert "the check “as many users as before”: 200 of 200" in section(text, "What went well")


def test_a_way_home_is_in_the_timeline_with_both_runs_of_the_plan(tmp_path: Path) -> None:
    stories.failback(tmp_path / "d")
    timeline = section((tmp_path / "d" / review.NAME).read_text(), "Timeline (UTC)")
    for told in ("fault in effect: link cut", "fault over: link cut", "cut-over starts: fail back"):
        assert told in timeline, told
    assert timeline.count("step “promote Aurora”") == 2


def test_a_drill_past_midnight_tells_the_other_day(tmp_path: Path) -> None:
    stories.backup_test(tmp_path / "d")
    events = tmp_path / "d" / "events.jsonl"
    events.write_text(events.read_text().replace('"2026-01-01T00:00:00', '"2025-12-31T23:59:58', 1))
    timeline = section(review.write(tmp_path / "d").read_text(), "Timeline (UTC)")
    assert "Times of day are of 2025-12-31" in timeline
    assert re.search(r"^\| 23:59:59", timeline, flags=re.M)
    assert "| 2026-01-01 00:00:0" in timeline
