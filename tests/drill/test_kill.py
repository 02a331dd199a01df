"""Nothing stays broken when ``drillbook run`` itself is killed, on the services of this repository.

Each round is a drill killed with SIGKILL at an instant drawn evenly over its length, start and end included, and a
``drillbook heal``, which is killed as well in every second round. Twenty-five rounds of the catalogue take about four
minutes on two cores, twenty of the notes about one and a half.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ..heal.kill_proof import Scene, prove  # noqa: TID252 - tests are no package that could be named
from .scenes import catalogue, notes


def prove_and_tell(scene: Scene, kills: int, seed: int) -> None:
    tally = prove(scene, kills, seed=seed)
    sys.stdout.write(f"{type(scene).__name__}: {tally}\n")
    assert tally.not_restored == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_killed_drills_of_the_notes_leave_nothing_behind(tmp_path: Path) -> None:
    with notes(tmp_path) as scene:
        prove_and_tell(scene, kills=20, seed=4)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_twenty_five_killed_drills_of_the_catalogue_leave_it_as_it_was(tmp_path: Path) -> None:
    with catalogue(tmp_path) as scene:
        prove_and_tell(scene, kills=25, seed=5)
        scene.repository.edit({"hold: 300 ms": "hold: 2 s", "slow: 500 ms": "slow: 1 s"})
        done, (drill,) = scene.repository.drilled()
        assert (done.code, drill["verdict"]) == (0, "PASS"), done.errors
