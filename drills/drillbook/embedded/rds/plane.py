"""RDS for PostgreSQL: the plane that puts real servers behind moto's instances.

Other engines' instances stay moto's: records, behind which nothing runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres.engine import Engine, engine_of
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.rds.estate import Estate


def plane() -> Rds:
    return Rds()


class Rds:
    """Takes the place of moto's methods on instances when installed, and gives it back when closed."""

    name = "rds"

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._undo = ExitStack()
        self._engine: Engine | None = None
        self._estate: Estate | None = None

    def install(self, cloud: CloudState) -> None:
        from drillbook.embedded.rds.api import patches
        from drillbook.embedded.rds.estate import Estate

        self._engine = engine_of(cloud)
        estate = self._estate = Estate(cloud, self._engine)
        for patch in patches(estate):
            self._undo.enter_context(patch)
        cloud.domains.listen(estate.domains_changed)
        cloud.links.listen(estate.delays_changed)
        pause = cloud.aws_seconds(durations.RESTORABLE_LAG)
        threading.Thread(target=self._beat, args=(estate, pause), name="rds", daemon=True).start()

    @property
    def commands(self) -> Mapping[str, Callable[[Json], None]]:
        """``POST /_drillbook/databases {"region": …, "id": …, "fault": "crash|hang|disk-full|none"}``"""
        estate = self._estate
        if estate is None:
            return {}
        return {
            "databases": lambda said: estate.become_faulty(
                str(said.get("region")), str(said.get("id")), str(said.get("fault"))
            )
        }

    def status(self) -> dict[str, Json]:
        estate, engine = self._estate, self._engine
        if estate is None or engine is None:
            return {}
        faults = {
            f"{one.region}/{one.instance.db_instance_identifier}": one.fault
            for one in estate.everything()
            if one.fault != "none"
        }
        servers = [server for one in estate.everything() for server in one.servers()]
        pids = sorted(pid for server in servers if (pid := server.pid) is not None)
        return {
            "instances": len(estate.databases),
            "pids": pids,
            "faults": faults,
            "failures": list(estate.failures),
        }

    def save(self, folder: Path) -> None:
        from drillbook.embedded.rds import keeping

        if self._estate is not None and (self._estate.databases or self._estate.backups.in_use):
            keeping.save(self._estate, folder)

    def load(self, folder: Path) -> None:
        from drillbook.embedded.rds import keeping

        if self._estate is not None:
            keeping.load(self._estate, folder)

    def close(self) -> None:
        self._ended.set()
        self._undo.close()
        if self._estate is not None:
            self._estate.close()
        if self._engine is not None:
            self._engine.close()

    def _beat(self, estate: Estate, pause: float) -> None:
        while not self._ended.wait(pause):
            estate.beat()
