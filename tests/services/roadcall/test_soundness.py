"""What counts as sound data of roadcall, in each store and between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drillbook import service_code

SERVICE = Path(__file__).parents[3] / "drills/roadcall"


def code(reference: str) -> Any:
    return service_code.load(SERVICE, reference)


Records, Dispatch, faults_in = (code(f"soundness.py:{name}") for name in ("Records", "Dispatch", "faults_in"))
seed = code("soundness.py:seed")


@pytest.fixture
def records() -> Any:
    """As they are after the stand-up."""
    rows = {each["id"]: Dispatch(1, each["note"], "open", each["vendor"], seed.FEE_CENTS) for each in seed.incidents()}
    return Records(
        items={item["id"]["S"]: item for item in seed.incident_items()},
        dispatches=rows,
        vendors=frozenset(item["id"]["S"] for item in seed.vendors()),
        users=frozenset(item["id"]["S"] for item in seed.users()),
        calls={call["id"]["S"]: call["incident"]["S"] for call in seed.calls()},
    )


def test_what_the_service_starts_with_is_sound(records: Any) -> None:
    assert faults_in(records) == ""


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda it: it.items.pop("seed-001"), "1 seed incidents are missing or changed"),
        (lambda it: it.dispatches.pop("seed-001"), "1 incidents differ between the stores"),
        (lambda it: it.items["seed-002"].update(revision={"S": "nonsense"}), "1 items are nonsense"),
        (lambda it: it.items["seed-002"].update(revision={"N": "2"}), "1 incidents differ between the stores"),
        (lambda it: it.items["seed-003"].update(vendor={"S": "nobody"}), "1 relations lead nowhere"),
        (lambda it: it.items["seed-003"].update(reporter={"S": "nobody"}), "1 relations lead nowhere"),
        (lambda it: it.calls.update({"call-x": "seed-999"}), "1 relations lead nowhere"),
    ],
)
def test_each_way_to_be_unsound_is_told(records: Any, spoil: Callable[[Any], object], told: str) -> None:
    spoil(records)
    assert told in faults_in(records)


def test_a_fee_that_no_dispatch_costs_is_nonsense(records: Any) -> None:
    records.dispatches["seed-001"] = replace(records.dispatches["seed-001"], fee=77_777_777)
    assert "1 ledger rows are nonsense" in faults_in(records)


def test_an_incident_that_is_being_written_may_be_in_the_ledger_alone(records: Any) -> None:
    records.dispatches["new"] = Dispatch(1, "new", "open", None, 9500, fresh=True)
    assert faults_in(records) == ""
    records.dispatches["new"] = replace(records.dispatches["new"], fresh=False)
    assert "1 incidents differ between the stores (new)" in faults_in(records)


def test_a_row_that_was_being_written_is_ahead_unless_its_item_has_followed(records: Any) -> None:
    records.dispatches["new"] = Dispatch(1, "new", "open", None, 9500, fresh=True)
    records.dispatches["seed-001"] = replace(records.dispatches["seed-001"], revision=2, fresh=True)
    records.dispatches["seed-002"] = replace(records.dispatches["seed-002"], fresh=True)
    assert list(code("soundness.py:ahead")(records)) == ["seed-001", "new"]
    records.items["seed-001"].update(revision={"S": "nonsense"})
    assert list(code("soundness.py:ahead")(records)) == ["new"], "what its item was, nobody knows"


def test_a_review_without_impact_or_without_the_fault_is_not_complete() -> None:
    missing_in, needed = code("review.py:missing_in"), code("review.py:NEEDED")
    whole = "# Review\n" + "".join(
        f"\n## {name}\n\n| RTO | fault in effect 5 | Unavailable to clients\n" for name in needed
    )
    assert missing_in(whole) == []
    assert missing_in(whole.replace("## Impact", "## Other")) == ["Impact"]
    assert missing_in(whole.replace("fault in effect", "baseline")) == ["Timeline (UTC)"]
