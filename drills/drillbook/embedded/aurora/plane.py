"""Aurora PostgreSQL: the plane that puts real servers behind moto's clusters.

Other engines' clusters (Aurora MySQL, Neptune, Multi-AZ DB clusters) stay moto's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres.engine import engine_of
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.aurora.operations import Operations

_CLOSING = 5.0


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
        from drillbook.embedded.aurora.lag import LagMeter
        from drillbook.embedded.aurora.operations import Operations

        estate = Estate(cloud, engine_of(cloud))
        operations = self._operations = Operations(estate)
        for patch in patches(operations):
            self._undo.enter_context(patch)
        meter = LagMeter(estate)
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
        return {"clusters": len(fleets), "pids": pids, "failures": failures}

    def close(self) -> None:
        self._ended.set()
        self._undo.close()
        if self._operations is not None:
            estate, self._operations = self._operations.estate, None
            estate.jobs.finish(_CLOSING)
            for fleet in list(estate.fleets.values()):
                fleet.discard()

    def _repeat(self, seconds: float, work: Callable[[], None]) -> None:
        def run() -> None:
            while not self._ended.wait(seconds):
                work()

        threading.Thread(target=run, name="aurora", daemon=True).start()
