"""The two services as scenes of the kill proof: ``drillbook run`` and ``drillbook heal`` as their user starts them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drillbook.embedded import slots
from drillbook.journal import default_path

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
    """The product catalogue: each drill has an embedded cloud of its own. A killed one leaves it behind, broken, until
    a heal has restored it and ended it.

    What a heal restores there is compared with what it was by ``tests/heal/test_kill_proof.py``, in one cloud.
    """

    def fingerprint(self) -> str:
        state = default_path(self.repository.root).parent
        return json.dumps([self.repository.open_changes(), [path.name for path, _ in slots.living(state)]])

    def repair(self) -> None:
        """What one round left counts against that round alone, since the next one starts from there."""


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
    yield Catalogue(repository)


@contextmanager
def notes(root: Path) -> Iterator[Notes]:
    repository = Repository(root, "notes-http")
    repository.edit({"hold: 2 s": "hold: 300 ms"})
    yield Notes(repository)
