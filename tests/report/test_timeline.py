"""The timeline is well-formed whatever it is given, and draws what it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.events import since_the_fault
from drillbook.report import chronicle, interval_bar, record, wording
from drillbook.report.timeline import Bar, Bucket, Lane, Mark, Span, Timeline, svg

from . import stories

anywhere = st.floats(allow_nan=True, allow_infinity=True)
names = st.text(max_size=40)
outcomes = st.sampled_from(["done", "skipped", "failed", "not run", "?"])
counts = st.integers(0, 10**6)
timelines = st.builds(
    Timeline,
    start=anywhere,
    end=anywhere,
    bucket=st.floats(0.001, 1e6),
    lanes=st.lists(
        st.builds(Lane, names, st.lists(st.builds(Bucket, anywhere, counts, counts), max_size=5)), max_size=3
    ),
    phases=st.lists(st.builds(Span, names, anywhere, anywhere), max_size=4),
    windows=st.lists(st.builds(Span, names, anywhere, anywhere), max_size=3),
    marks=st.lists(st.builds(Mark, names, anywhere), max_size=6),
    bars=st.lists(st.builds(Bar, names, anywhere, anywhere, st.none() | anywhere, outcomes), max_size=4),
)
SVG = "{http://www.w3.org/2000/svg}"


@settings(deadline=None, max_examples=150)
@given(timelines, names)
def test_any_timeline_is_well_formed_and_stays_on_its_paper(timeline: Timeline, title: str) -> None:
    root = ElementTree.fromstring(svg(timeline, title))
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("width", "0")) >= 0
        assert 0 <= float(box.get("x", "0")) <= 960
    assert not any(word in (text.get("x") or "") for text in root.iter() for word in ("nan", "inf"))


@settings(deadline=None, max_examples=100)
@given(st.floats(0, 1e7), st.none() | st.floats(0, 1e7), st.none() | st.floats(0, 1e7))
def test_any_interval_is_drawn_within_its_bar(low: float, width: float | None, objective: float | None) -> None:
    interval = {"lo": low, "hi": None if width is None else low + width}
    if not wording.is_measured(interval):
        assert interval_bar.svg(interval, objective) == ""
        return
    root = ElementTree.fromstring(interval_bar.svg(interval, objective).replace("<svg", f'<svg xmlns="{SVG[1:-1]}"', 1))
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", "0")) + float(box.get("width", "0")) <= 223


def test_no_interval_draws_nothing() -> None:
    assert interval_bar.svg({}, 300.0) == ""
    assert interval_bar.svg({"lo": None, "hi": None}, None) == ""


def texts(drawing: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def test_the_drill_is_drawn_with_instants_phases_lanes_and_steps(evidence: Path) -> None:
    words = " | ".join(texts((evidence / "timeline.svg").read_text()))
    for told in (
        "fault in effect 0 s",
        "detected +2.4 s",
        "restored +3.7 s",
        "Detect 2.4 s",
        "Reads",
        "Writes",
        "Probes",
        "roll back",
    ):
        assert told in words, told


def test_bad_answers_are_drawn_in_the_slices_of_the_outage(evidence: Path) -> None:
    drawn = chronicle.timeline(record.read(evidence))
    probes = next(lane for lane in drawn.lanes if lane.name == "Probes")
    bad = {bucket.at for bucket in probes.buckets if bucket.bad}
    assert bad == {number / 2 for number in range(8)}
    assert sum(bucket.bad + bucket.good for bucket in probes.buckets) == 120


def test_a_short_outage_in_a_long_drill_is_drawn_a_second_time(tmp_path: Path, made_up: Callable[..., Any]) -> None:
    made_up(back=5.3).write(tmp_path / "d")
    told = record.read(tmp_path / "d")
    assert chronicle.close_ups(told) == {}  # the plan took 4 s of 12: that is long enough to see
    shorter = [
        event for event in told.events if event.get("name") not in ("t_exec0", "t_exec1", "t_detect", "t_declare")
    ]
    near = chronicle.close_ups(replace(told, events=shorter)).get("The outage and the recovery, larger")
    assert near is not None
    assert -0.2 < near.start < 0 < 0.3 < near.end < 0.7


def test_a_plan_that_ran_before_the_fault_is_no_part_of_the_recovery(evidence: Path) -> None:
    told = record.read(evidence)
    early = [
        {"kind": "instant", "name": name, "at": told.origin - ago, "plan": "take a snapshot"}
        for name, ago in (("t_exec0", 1.0), ("t_exec1", 0.5))
    ]
    prepared = replace(told, events=[told.events[0], *early, *told.events[1:]])
    assert chronicle.moments_of(prepared) == chronicle.moments_of(told)
    named = {mark.name for mark in chronicle.marks(prepared)}
    assert {"preparation starts: take a snapshot", "prepared: take a snapshot"} <= named


def test_where_no_fault_struck_every_plan_counts() -> None:
    told = [("t_exec0", 1.0), ("t_exec1", 2.0)]
    assert since_the_fault(told) == told
    assert since_the_fault([*told, ("t_inject", 3.0), ("t_exec0", 4.0)]) == [("t_inject", 3.0), ("t_exec0", 4.0)]


def test_labels_at_the_same_moment_stand_on_different_lines() -> None:
    marks = [Mark("decided", 5.0), Mark("recovery starts", 5.0), Mark("detected", 4.99)]
    root = ElementTree.fromstring(svg(Timeline(0, 10, marks=marks)))
    flags = [text for text in root.iter(f"{SVG}text") if "flag" in (text.get("class") or "")]
    assert len({flag.get("y") for flag in flags}) == 3


def test_a_step_that_began_and_never_ended_is_shown_as_interrupted(evidence: Path) -> None:
    lines = (evidence / "events.jsonl").read_text().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if '"kind":"step ended"' in line)
    (evidence / "events.jsonl").write_text("".join(lines[:last] + lines[last + 1 :]))
    step = chronicle.steps(record.read(evidence))[-1]
    assert (step["name"], step["outcome"], step["error"]) == ("check", "failed", "interrupted")


def test_a_plan_that_was_run_twice_has_its_bars_twice(tmp_path: Path) -> None:
    stories.failback(tmp_path / "d")
    bars = [bar for bar in chronicle.timeline(record.read(tmp_path / "d")).bars if bar.name == "promote Aurora"]
    assert [bar.outcome for bar in bars] == ["done", "done"]
    assert bars[0].end < bars[1].start
