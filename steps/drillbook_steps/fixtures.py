"""The one fixture a step needs: the drill of its scenario."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drillbook.drill import Drill
from drillbook_steps.interrupts import terminable
from drillbook_steps.plugin import ACTIVE, session_of


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Iterator[Drill]:
    """The drill of this scenario. Whatever happens, it is healed, judged and recorded when the scenario ends."""
    session = session_of(request.config)
    with terminable():
        active = session.begin(request)
        request.node.stash[ACTIVE] = active
        try:
            yield active
        finally:
            session.end(request, active)
