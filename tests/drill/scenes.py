"""The two services as scenes of the kill proof: ``drillbook run`` and ``drillbook heal`` as their user starts them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drillbook import service, service_actions
from drillbook.aws.fingerprint import fingerprint
from drillbook.aws.session import Session, session_of
from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.events import EventStream
from drillbook.objective import Basis
from drillbook.world import World

from .repository import Repository

QUICK = {
    "hold: 2 s": "hold: 300 ms",
    "slow: 1 s": "slow: 500 ms",
}
UNPROVEN = {
    "needs: [lambda.invoke, apigateway.front_door, cloudwatch.alarms]": "needs: []",
    ", needs: [dynamodb.pitr, dynamodb.streams, lambda.concurrency]": "",
}
"""The capabilities of the embedded cloud are the same in each round: probing them would only take time."""


class DrilledRepository:
    """What the scenes share: the processes."""

    landing = 0.5

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    def start_drill(self, seed: int) -> subprocess.Popen[str]:
        """Returns at once: the kill may come at any instant, the very first ones included."""
        del seed
        return self._start("run", self.repository.service)

    def start_heal(self) -> subprocess.Popen[str]:
        return self._start("heal", "--json")

    def _start(self, *words: str) -> subprocess.Popen[str]:
        # Into a file: whoever outlives a killed drill would keep a pipe open.
        with (self.repository.root / "said.txt").open("a") as said:
            return self.repository.start(*words, "--root", str(self.repository.root), stdout=said, stderr=said)


class Catalogue(DrilledRepository):
    """The product catalogue, stood up once on an embedded cloud that outlives every round."""

    def __init__(self, repository: Repository, world: World) -> None:
        super().__init__(repository)
        self.world = world

    def fingerprint(self) -> str:
        """Every item counts, the canary's too, and every table: none was there before the drill."""
        return json.dumps(fingerprint(session_of(self.world)), sort_keys=True)

    def repair(self) -> None:
        """Nothing: what one round left counts against that round alone, since the next starts from there."""


class Notes(DrilledRepository):
    """The notes service: each drill has processes and a directory of its own, which must all be gone."""

    def fingerprint(self) -> str:
        return json.dumps([self.repository.processes(), self.repository.work_directories()])

    def repair(self) -> None: ...


@contextmanager
def catalogue(root: Path) -> Iterator[Catalogue]:
    repository = Repository(root, "product-lambda")
    repository.only("table_corruption")
    repository.edit(QUICK | UNPROVEN)
    state = root / ".drillbook"
    cloud = process.start(state, owner=os.getpid(), speed=1000, journal=state / "journal.sqlite3")
    try:
        world = world_of(repository, cloud)
        service_actions.stand_up(world)
        yield Catalogue(repository, world)
        session_of(world).close()
    finally:
        process.stop(cloud)


def world_of(repository: Repository, cloud: process.Cloud) -> World:
    """The world of a drill, seen from outside: without a journal."""
    clock = SystemClock()
    events = EventStream(clock)
    session = Session(cloud.account, "af-south-1", cloud.endpoint, clock=clock, events=events, speed=cloud.speed)
    return World(
        target="embedded",
        basis=Basis.EMULATED,
        service=service.load(repository.service_file),
        clock=clock,
        events=events,
        workdir=repository.tmp,
        run_id="outside",
        values={"account": cloud.account},
        aws=session,
        speed=cloud.speed,
    )


@contextmanager
def notes(root: Path) -> Iterator[Notes]:
    repository = Repository(root, "notes-http")
    repository.edit({"hold: 2 s": "hold: 300 ms"})
    yield Notes(repository)
