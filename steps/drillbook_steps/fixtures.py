"""The one fixture a step needs: the drill of its scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from drillbook_steps.interrupts import terminable
from drillbook_steps.plugin import ACTIVE, session_of

if TYPE_CHECKING:
    from drillbook.drill import Drill


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
