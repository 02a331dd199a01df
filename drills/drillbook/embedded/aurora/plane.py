"""Aurora PostgreSQL: the plane that puts real servers behind moto's clusters.

Other engines' clusters (Aurora MySQL, Neptune, Multi-AZ DB clusters) stay moto's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres.engine import engine_of
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.aurora.operations import Operations

_CLOSING = 1.0


def plane() -> Aurora:
    return Aurora()


class Aurora:
    """Takes the place of moto's methods on clusters when installed, and gives it back when closed."""

    name = "aurora"

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._undo = ExitStack()
        self._operations: Operations | None = None

    def install(self, cloud: CloudState) -> None:
        from drillbook.embedded.aurora.api import patches
        from drillbook.embedded.aurora.estate import Estate
        from drillbook.embedded.aurora.meter import Meter
        from drillbook.embedded.aurora.operations import Operations

        estate = Estate(cloud, engine_of(cloud))
        operations = self._operations = Operations(estate)
        for patch in patches(operations):
            self._undo.enter_context(patch)
        meter = Meter(estate)
        self._undo.callback(meter.close)
        cloud.domains.listen(lambda _before, _now: operations.handover.feel())
        cloud.links.listen(estate.delays_changed)
        self._repeat(cloud.aws_seconds(durations.RESTORABLE_LAG), estate.archive)
        self._repeat(cloud.aws_seconds(durations.LAG_SAMPLE), meter.measure)

    def status(self) -> dict[str, Json]:
        if self._operations is None:
            return {}
        fleets = list(self._operations.estate.fleets.values())
        pids = sorted(pid for fleet in fleets for server in fleet.servers() if (pid := server.pid) is not None)
        failures = list(self._operations.estate.jobs.failures)
        crashes = {fleet.cluster.resource_id: fleet.crashes for fleet in fleets if fleet.crashes}
        return {"clusters": len(fleets), "pids": pids, "crashes": crashes, "failures": failures}

    @property
    def commands(self) -> Mapping[str, Callable[[Json], None]]:
        """``POST /_drillbook/clusters {"region": …, "id": …, "fault": "crash"}``: the server of a cluster's writer,
        or of one instance, dies at once. Aurora recovers by itself."""
        if self._operations is None:
            return {}
        estate = self._operations.estate
        return {"clusters": lambda said: estate.become_faulty(said["region"], said["id"], said["fault"])}

    def save(self, folder: Path) -> None:
        from drillbook.embedded.aurora import keeping

        if self._operations is not None and self._operations.estate.in_use:
            keeping.save(self._operations.estate, folder)

    def load(self, folder: Path) -> None:
        from drillbook.embedded.aurora import keeping

        if self._operations is not None:
            keeping.load(self._operations.estate, folder)

    def close(self) -> None:
        """The servers end with the engine, which the plane of the instances closes after this one."""
        self._ended.set()
        self._undo.close()
        if self._operations is not None:
            self._operations.estate.closed.set()
            self._operations.estate.jobs.finish(_CLOSING)

    def _repeat(self, seconds: float, work: Callable[[], None]) -> None:
        def run() -> None:
            while not self._ended.wait(seconds):
                work()

        threading.Thread(target=run, name="aurora", daemon=True).start()
