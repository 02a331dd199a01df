"""A fault is in place no longer than its time box allows: then the drill refuses to go on, and heals."""

from __future__ import annotations

import pytest

from .repository import Repository

REFUSED = 3


def assert_ended_by_its_time_box(notes: Repository, *options: str) -> None:
    done, (drill,) = notes.drilled(*options)
    assert (done.code, drill["verdict"]) == (REFUSED, "INVALID"), done
    assert "in place for longer than" in drill["causes"][0]
    assert drill["leftovers"] == 0
    assert (notes.open_changes(), notes.processes()) == (0, [])


def test_a_recovery_that_takes_longer_than_the_time_box_is_the_drills_last_stage(notes: Repository) -> None:
    notes.edit({"time_box: 5 min": "time_box: 200 ms"})
    assert_ended_by_its_time_box(notes)


@pytest.mark.slow
def test_a_service_that_does_not_come_back_is_not_waited_for_beyond_the_time_box(notes: Repository) -> None:
    step = "      - name: see that notes can be read\n        phase: verify\n"
    check = '        http: {url: "{notes}", status: [200]}\n        budget: 5 s\n'
    notes.edit({"time_box: 5 min": "time_box: 4 s", step + check: ""})
    assert_ended_by_its_time_box(notes, "--sabotage", "never started")
