"""DynamoDB with time travel and global tables: the plane that puts it in moto's place, and its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from drillbook.embedded import durations
from drillbook.embedded.courier import Courier
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.dynamodb.backend import TimeTravelBackend


def plane() -> DynamoDB:
    return DynamoDB()


class DynamoDB:
    """Takes moto's place when installed and gives it back when closed. Tables that exist then are lost."""

    name = "dynamodb"

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._undo = ExitStack()
        self.deliver: Callable[[], float | None] = _nothing_to_do
        """Delivers what replicas have for one another and is due; returns the seconds until more will be."""
        self._courier: Courier | None = None

    def install(self, cloud: CloudState) -> None:
        from moto.dynamodb import urls
        from moto.dynamodb.models import dynamodb_backends

        from drillbook.embedded.dynamodb.api import TimeTravelApi
        from drillbook.embedded.dynamodb.backend import TimeTravelBackend
        from drillbook.embedded.dynamodb.delivery import Delivery
        from drillbook.embedded.dynamodb.ledger import Ledger

        TimeTravelBackend.cloud = cloud
        for replaced in (
            mock.patch.object(dynamodb_backends, "backend", TimeTravelBackend),
            mock.patch.dict(urls.url_paths, {"{0}/": TimeTravelApi.dispatch}),
        ):
            self._undo.enter_context(replaced)
        dynamodb_backends.clear()
        self._undo.callback(dynamodb_backends.clear)
        self.deliver = Delivery(cloud)
        self._courier = Courier("global-tables", cloud, Ledger.lock, self.deliver)
        Ledger.courier = self._courier.wake
        self._courier.start()
        threading.Thread(target=self._sweep, args=(cloud,), name="ttl", daemon=True).start()

    def status(self) -> dict[str, Json]:
        from drillbook.embedded.dynamodb.delivery import global_tables
        from drillbook.embedded.dynamodb.ledger import Ledger

        with Ledger.lock:
            groups = global_tables()
            return {
                "tables": sum(len(backend.tables) for backend in _backends()),
                "global_tables": len(groups),
                "changes_under_way": sum(group.pending for group in groups),
                "failure": self._courier.failure if self._courier else "",
            }

    def save(self, _: Path) -> None:
        """Nothing: moto's backends hold it all, with what is under way between replicas."""

    def load(self, _: Path) -> None:
        """Deliver what was under way when the world was saved."""
        if self._courier is not None:
            self._courier.wake()

    def close(self) -> None:
        self._ended.set()
        if self._courier is not None:
            self._courier.close()
        for backend in _backends():
            backend.ledger.couriers.shutdown(wait=False, cancel_futures=True)
        self._undo.close()

    def _sweep(self, cloud: CloudState) -> None:
        from drillbook.embedded.dynamodb.expiry import expire_everywhere

        while not self._ended.wait(cloud.aws_seconds(durations.TTL_SWEEP)):
            expire_everywhere(cloud)


def _backends() -> list[TimeTravelBackend]:
    from drillbook.embedded.dynamodb.regions import backends

    return backends()


def _nothing_to_do() -> float | None:
    return None
