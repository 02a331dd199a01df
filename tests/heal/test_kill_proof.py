"""Nothing stays broken, whenever the drill is killed, and its healer too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.journal import Journal
from drillbook.journal_file import count_open
from drillbook.waiting import wait_for

from . import cloud_scene, file_scene, scene_child
from .kill_proof import CLOCK, Scene, prove, started

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class Children:
    """Drills and heals of one scene, as processes."""

    def __init__(self, scene: str, place: str, journal: Path) -> None:
        self.scene, self.place, self.journal = scene, place, journal
        self.environment = dict(ENVIRONMENT)

    def start_drill(self, seed: int) -> subprocess.Popen[str]:
        return self._start("drill", str(seed))

    def start_heal(self) -> subprocess.Popen[str]:
        return self._start("heal")

    def _start(self, what: str, *more: str) -> subprocess.Popen[str]:
        argv = [sys.executable, str(HERE / "scene_child.py"), what, self.scene, str(self.journal), self.place, *more]
        return started(argv, self.environment)


class Files(Children):
    landing = file_scene.SLOW

    def __init__(self, tmp_path: Path) -> None:
        super().__init__("file_scene", str(tmp_path / "shop"), tmp_path / "journal")
        self.repair()

    def fingerprint(self) -> str:
        return file_scene.fingerprint(Path(self.place))

    def repair(self) -> None:
        file_scene.lay_out(Path(self.place))


class Cloud(Children):
    landing = float(cloud_scene.LATE)

    def __init__(self, endpoint: str, tmp_path: Path) -> None:
        super().__init__("cloud_scene", endpoint, tmp_path / "journal")
        self.repair()

    def fingerprint(self) -> str:
        return cloud_scene.fingerprint(self.place)

    def repair(self) -> None:
        cloud_scene.lay_out(self.place)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = subprocess.Popen(
        [sys.executable, str(HERE / "cloud_scene.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.communicate()


@pytest.fixture(params=["files", pytest.param("cloud", marks=pytest.mark.slow)])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    if request.param == "files":
        return Files(tmp_path)
    return Cloud(request.getfixturevalue("endpoint"), tmp_path)


def prove_and_tell(scene: Scene, kills: int, seed: int) -> None:
    tally = prove(scene, kills, seed=seed)
    sys.stdout.write(f"{type(scene).__name__}: {tally}\n")
    assert tally.not_restored == []


def test_a_drill_killed_at_any_instant_is_healed(scene: Scene) -> None:
    prove_and_tell(scene, kills=5, seed=1)


ALL_LATE = 0
"""The seed by which each change of the scene is held back by the cloud."""
LATE = 0.8


@pytest.mark.parametrize(("settle", "whole_again"), [(2 * LATE, True), (0.0, False)])
def test_a_call_in_flight_is_undone_only_because_heal_waits(
    endpoint: str, tmp_path: Path, settle: float, whole_again: bool
) -> None:
    scene = Cloud(endpoint, tmp_path)
    scene.environment |= {"SCENE_SETTLE": str(settle), "SCENE_LATE": str(LATE)}
    whole = scene.fingerprint()
    drill = scene.start_drill(ALL_LATE)
    wait_for("the first intent", lambda: count_open(scene.journal), timeout=10, clock=CLOCK, interval=0.01)
    CLOCK.sleep(LATE / 4)
    drill.kill()
    drill.communicate()
    with Journal(scene.journal) as journal:
        scene_child.heal_all(cloud_scene, journal, scene_child.world_at(endpoint, "heal"))
    assert scene.fingerprint() == whole
    CLOCK.sleep(2 * LATE)
    assert (scene.fingerprint() == whole) is whole_again


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_drills_killed_at_random_instants_are_healed(scene: Scene) -> None:
    prove_and_tell(scene, kills=100, seed=2)
