"""Drills side by side end soon: the longest begins first, and no worker hoards what another could do."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drillbook_steps import durations
from drillbook_steps.durations import Durations
from drillbook_steps.parallel import Shares


def test_the_longest_comes_first_and_what_is_not_known_before_it() -> None:
    shares = {"short": ["a"], "long": ["b"], "new": ["c"], "two": ["d", "e"], "as short": ["f"]}
    took = {"a": 1.0, "b": 9.0, "d": 2.0, "e": 3.0, "f": 1.0}
    assert durations.longest_first(shares, took) == ["new", "long", "two", "short", "as short"]


def test_nothing_known_keeps_the_order_of_the_files() -> None:
    assert durations.longest_first({"b": ["b"], "a": ["a"], "c": ["c"]}, {}) == ["b", "a", "c"]


@pytest.mark.parametrize("text", [None, "", "[1]", '{"a": "long"}', '{"a": null}'])
def test_durations_that_cannot_be_read_are_not_known(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / durations.NAME).write_text(text)
    assert durations.read(tmp_path) == {}


def report(test: str, seconds: float) -> Any:
    return SimpleNamespace(nodeid=test, duration=seconds)


def test_a_drill_takes_what_all_of_its_phases_take_and_what_did_not_run_keeps_its_time(tmp_path: Path) -> None:
    (tmp_path / durations.NAME).write_text('{"a": 1, "b": 2}')
    timed = Durations(tmp_path)
    for seconds in (0.5, 8.0, 1.5):
        timed.pytest_runtest_logreport(report("a", seconds))
    timed.pytest_sessionfinish()
    assert durations.read(tmp_path) == {"a": 10.0, "b": 2.0}


def test_a_run_without_reports_notes_nothing(tmp_path: Path) -> None:
    timed = Durations(tmp_path / "reports")
    timed.pytest_runtest_logreport(report("a", 1.0))
    timed.pytest_sessionfinish()
    assert not (tmp_path / "reports").exists()


class Worker:
    """What a scheduler knows of a process that runs tests."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name, spec=name)
        self.sent: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def test_workers_get_the_longest_drills_first_and_one_ahead(pytester: pytest.Pytester) -> None:
    tests = [f"features/shop/test_features.py::test_{name}" for name in "abcdef"]
    known = dict(zip(tests, (1, 2, 3, 4, 5, 6), strict=True))
    (pytester.mkdir("reports") / durations.NAME).write_text(json.dumps(known))
    folder = pytester.mkdir("drills") / "shop"
    folder.mkdir()
    (folder / "service.yaml").write_text(
        "service: shop\ntargets: {embedded: {}}\nobjectives: {rto: 30 s}\n"
        'front_door: {url: "{endpoint}", write: {method: POST, path: /}, read: {method: GET, path: /, version: $.v}}\n'
    )
    config = pytester.parseconfig("--tx=2*popen", "--dist=load", "--drillbook-quiet")
    shares, one, other = Shares(config, None), Worker("one"), Worker("other")
    for worker in (one, other):
        shares.add_node(worker)
        shares.add_node_collection(worker, tests)
    shares.schedule()
    assert (one.sent, other.sent) == ([5, 3], [4, 2])
    shares.mark_test_complete(one, 5)
    assert (one.sent, other.sent) == ([5, 3, 1], [4, 2])
    for index in (3, 1):
        shares.mark_test_complete(one, index)
    assert (one.sent, one.shutting_down) == ([5, 3, 1, 0], True)
    shares.mark_test_complete(other, 4)
    assert (other.sent, other.shutting_down) == ([4, 2], True)
