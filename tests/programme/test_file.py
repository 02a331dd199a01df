"""The programmes' file: mistakes have a place, and a selector means exactly what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook.cli.init import example_home
from drillbook.errors import UsageError
from drillbook.programme import file

Written = Callable[[str], Path]


def programme(selector: str) -> str:
    return f"programmes:\n  ci:\n    every: 1 d\n    drills:\n      - {selector}\n"


@pytest.mark.parametrize(
    ("selector", "drills"),
    [
        ("{service: notes}", ["The server dies", "The disk is full"]),
        ("{service: notes, tag: quick}", ["The server dies"]),
        ('{service: notes, tag: "@runbook:007"}', ["The server dies", "The disk is full"]),
        ("{service: notes, scenario: the disk is full}", ["The disk is full"]),
        ("{service: notes, feature: notes, tag: quick}", ["The server dies"]),
        ("{service: notes, feature: Notes come back}", ["The server dies", "The disk is full"]),
    ],
)
def test_a_selector_means_the_drills_that_all_its_keys_fit(written: Written, selector: str, drills: list[str]) -> None:
    root = written(programme(selector))
    assert [planned.drill.drill for planned in file.drills_of(root, "ci")] == drills


def test_a_drill_that_is_selected_twice_is_there_once(written: Written) -> None:
    root = written(programme("{service: notes}\n      - {service: notes, tag: quick}"))
    assert len(file.drills_of(root, "ci")) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (programme("{service: notse}"), "5:19: there is no service 'notse' — did you mean 'notes'?"),
        (programme("{service: notes, tag: quik}"), "5:31: there is no tag 'quik' here — did you mean 'quick'?"),
        (programme("{service: notes, scenario: The server dys}"), "did you mean 'The server dies'?"),
        (programme("{service: notes, feature: nodes}"), "5:35: there is no feature 'nodes' here"),
        (programme("{servce: notes}"), "5:10: unknown key 'servce'"),
        (programme("{tag: quick}"), "the key 'service' is missing"),
        ("programmes:\n  ci: {every: 1 d, drills: []}\n", "2:3: the programme 'ci' has no drills"),
        ("programmes:\n  ci: {drills: [{service: notes}]}\n", "needs exactly one of 'every' and 'calendar'"),
        ("programmes:\n  ci: {every: 1 d, calendar: 0 0 * * *}\n", "and has both — keep one"),
        ("programmes:\n  ci: {every: 5}\n", "2:15: programmes.ci.every: '5' is no duration"),
        ("programmes:\n  ci: {every: 5 min}\n", "too often"),
        ("programmes:\n  ci: {every: 99999999 d}\n", "too long"),
        ("programmes:\n  ci: {calendar: 0 0 30 2 *}\n", "never happens"),
        ("programmes:\n  ci: {evry: 1 d}\n", "2:8: unknown key 'evry' in programmes.ci — did you mean 'every'?"),
        ("programmes:\n  ci: {every: 1 d, target: moon}\n", "is none of"),
        ("programmes:\n  ci: {every: 1 d, target: aws, drills: [{service: notes}]}\n", "notes has no target 'aws'"),
        ("programmes:\n  Big Ones: {every: 1 d}\n", "is no name of a programme"),
        ("programmes: {}\n", "programmes"),
        ("programme: {}\n", "1:1: unknown key 'programme' — did you mean 'programmes'?"),
        ("", "1:1: is empty — start with 'programmes:'"),
        ("programmes:\n  ci: {every: 1 d}\n  ci: {every: 1 d}\n", "3:3: the key 'ci' stands here twice"),
    ],
)
def test_a_mistake_is_told_with_its_place(written: Written, text: str, told: str) -> None:
    root = written(text)
    with pytest.raises(UsageError) as raised:
        file.drills_of(root, "ci")
    assert str(raised.value).startswith("drills/programmes.yaml:")
    assert told in str(raised.value)


def test_an_unknown_programme_and_a_missing_file_are_told(root: Path) -> None:
    with pytest.raises(UsageError, match=r"no programme 'wekly'.*did you mean 'weekly'"):
        file.find(root, "wekly")
    (root / "drills" / "programmes.yaml").unlink()
    with pytest.raises(UsageError, match=r"there is no drills/programmes.yaml — write one"):
        file.load(root)


def test_this_repositorys_own_programmes_are_sound() -> None:
    root = example_home()
    known = file.load(root)
    assert list(known) == ["weekly", "monthly", "quarterly", "annual", "ci"]
    assert all(each.owner and each.title and file.drills_of(root, name) for name, each in known.items())
