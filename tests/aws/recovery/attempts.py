"""Attempts at a recovery that end early, and their undoing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from drillbook.events import EventStream
from drillbook.heal import HealResult, heal
from drillbook.journal import Journal
from drillbook.world import World


class Killed(BaseException):
    """Stands for the end of the process."""


@contextmanager
def killed_before_it_is_recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within this block the process ends as soon as a change has been made, and before anybody writes that down."""

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "move", die)
        with pytest.raises(Killed):
            yield


def healed(world: World) -> HealResult:
    assert world.journal is not None
    return heal(world.journal, lambda entry: world, world.clock, EventStream(world.clock), force=True)


def changes(world: World) -> int:
    assert world.journal is not None
    return len(world.journal.entries(world.run_id))
