"""Kill a drill at random instants, heal in a new process, compare the world with what it was: the proof of heal.

A scene says how to start one drill and one heal as processes of their own, and how to read the world's fingerprint.
The same rounds can be run on anything that has these three, ``drillbook run`` and ``drillbook heal`` included.
"""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass, field
from typing import Protocol

from drillbook.clock import SystemClock

CLOCK = SystemClock()


class Scene(Protocol):
    landing: float
    """Seconds after which a call of a killed process has landed for certain; read the fingerprint only then."""

    def start_drill(self, seed: int) -> subprocess.Popen[str]:
        """One drill that ends by healing itself. Returns when it is about to make its first change."""
        ...

    def start_heal(self) -> subprocess.Popen[str]:
        """One heal. Returns when it is about to read the journal."""
        ...

    def fingerprint(self) -> str:
        """All of the world that a drill may change, as text."""
        ...

    def repair(self) -> None:
        """Make the world whole again after a round that failed, so that the next one counts for itself."""
        ...


@dataclass
class Tally:
    rounds: int = 0
    killed: int = 0
    """Drills that were killed before they had ended by themselves."""
    dirty: int = 0
    """... and left the world changed."""
    healers_killed: int = 0
    not_restored: list[str] = field(default_factory=list)
    """What was different after the heal, one text for each round that failed."""

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {self.killed} drills killed ({self.dirty} left the world changed), "
            f"{self.healers_killed} healers killed, {len(self.not_restored)} not restored"
        )


def prove(scene: Scene, kills: int, *, seed: int) -> Tally:
    """Run rounds until ``kills`` drills were killed, one of them at least in the middle of a change.

    In every second round a healer is killed too, before another one may finish.
    """
    chance, tally, whole = random.Random(seed), Tally(), scene.fingerprint()
    drill_takes = _duration(scene.start_drill(chance.randrange(10**6)), whatever_it_found=True)
    assert scene.fingerprint() == whole, "a drill that is left alone must heal itself"
    heal_takes = 0.0
    while tally.killed < kills or not tally.dirty:
        tally.rounds += 1
        assert tally.rounds <= 5 * kills, f"no kill left anything to heal, so nothing is proven: {tally}"
        instant = chance.uniform(0, drill_takes)
        landed = _kill_within(scene.start_drill(chance.randrange(10**6)), instant)
        # The first drill was the slowest: kills that come too late prove nothing.
        drill_takes = drill_takes if landed else (drill_takes + instant) / 2
        tally.killed += landed
        tally.dirty += scene.fingerprint() != whole
        if tally.rounds % 2 == 0:
            tally.healers_killed += _kill_within(scene.start_heal(), chance.uniform(0, heal_takes))
        heal_takes = max(heal_takes * 0.9, _duration(scene.start_heal()))
        CLOCK.sleep(scene.landing)
        if (after := scene.fingerprint()) != whole:
            tally.not_restored.append(f"seed {seed}, round {tally.rounds}:\n  {whole}\n  {after}")
            scene.repair()
            whole = scene.fingerprint()
    return tally


def _kill_within(process: subprocess.Popen[str], seconds: float) -> bool:
    """Let it run so long, then kill it as ``kill -9`` does. False if it had ended by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode < 0


def _duration(process: subprocess.Popen[str], *, whatever_it_found: bool = False) -> float:
    """Let it end by itself, which it must do well; its seconds. A drill may also have a verdict that is not PASS."""
    began = CLOCK.monotonic()
    _, errors = process.communicate(timeout=240)
    assert process.returncode in ((0, 1) if whatever_it_found else (0,)), errors
    return CLOCK.monotonic() - began


def started(argv: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a process, and return once it has said, by a first line on its output, that it begins in earnest."""
    process = subprocess.Popen(
        argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    if not process.stdout.readline():
        raise AssertionError(f"{argv} did not begin: {process.communicate()[1]}")
    return process
