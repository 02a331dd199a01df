"""When the habit tracker fails over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook import service_code

SERVICE = Path(__file__).parents[3] / "drills/apprentice"
Decision: Any = service_code.load(SERVICE, "decision.py:Decision")
decide: Any = service_code.load(SERVICE, "decision.py:decide")
MINUTE = 60.0


@pytest.mark.parametrize(
    ("minutes", "wanted"),
    [(0, "WAIT"), (14.9, "WAIT"), (15, "PREPARE"), (60, "PREPARE"), (60.1, "EXECUTE"), (600, "EXECUTE")],
)
def test_the_length_of_an_outage_decides(minutes: float, wanted: str) -> None:
    assert decide(minutes * MINUTE, critical_impact=False) is Decision[wanted]


@pytest.mark.parametrize("minutes", [0, 14, 15, 59, 61])
def test_a_critical_impact_outranks_the_clock(minutes: float) -> None:
    assert decide(minutes * MINUTE, critical_impact=True) is Decision.EXECUTE


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_longer_outage_never_takes_a_step_back(one: float, more: float) -> None:
    order = list(Decision)
    earlier, later = (order.index(decide(outage, critical_impact=False)) for outage in (one, one + more))
    assert earlier <= later
