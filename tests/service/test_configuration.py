from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.configuration import diff

TABLE: dict[str, Any] = {
    "name": "products",
    "tags": [{"Key": "chaos", "Value": "allowed"}, {"Key": "team", "Value": "web"}],
    "ttl": {"enabled": True, "attribute": "expires"},
    "indexes": [{"IndexName": "by-name", "keys": ["name", "id"]}],
    "alarms": ["a", "b"],
}
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abKey", max_size=3), inner, max_size=4),
    max_leaves=12,
)


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(TABLE), **changes}


def told(restored: dict[str, Any], *ignore: str) -> list[str]:
    return [str(difference) for difference in diff(TABLE, restored, ignore)]


def test_what_a_restore_dropped_is_told_by_its_path() -> None:
    restored = changed(tags=TABLE["tags"][:1], ttl={"enabled": False}, alarms=["b"])
    assert told(restored) == [
        'alarms: ["a", "b"] in the source, ["b"] in the copy',
        'tags.team: {"Key": "team", "Value": "web"} in the source, nothing in the copy',
        'ttl.attribute: "expires" in the source, nothing in the copy',
        "ttl.enabled: true in the source, false in the copy",
    ]


def test_the_order_within_lists_does_not_count() -> None:
    assert told(changed(tags=TABLE["tags"][::-1], alarms=["b", "a"])) == []


def test_ignored_paths_and_all_below_them_are_left_out() -> None:
    restored = changed(name="products-restored", tags=[], ttl={"enabled": False})
    assert told(restored, "name", "tags", "ttl.*") == []
    assert [difference.path for difference in diff(TABLE, restored, ["tags.t*"])] == [
        "name",
        "tags.chaos",
        "ttl.attribute",
        "ttl.enabled",
    ]


def test_a_difference_is_json() -> None:
    (difference,) = diff({"a": 1}, {"a": 2})
    assert difference.as_json() == {"path": "a", "source": 1, "restored": 2}


@settings(deadline=None, max_examples=80)
@given(VALUES)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert diff(value, copy.deepcopy(value)) == []


@settings(deadline=None, max_examples=80)
@given(VALUES, VALUES, st.randoms())
def test_shuffling_lists_changes_nothing_and_both_ways_tell_the_same(one: Any, other: Any, dice: random.Random) -> None:
    assert diff(one, _shuffled(one, dice)) == []
    assert [each.path for each in diff(one, other)] == [each.path for each in diff(other, one)]


def _shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        return {key: _shuffled(inner, dice) for key, inner in value.items()}
    if isinstance(value, list):
        return dice.sample([_shuffled(inner, dice) for inner in value], len(value))
    return value
