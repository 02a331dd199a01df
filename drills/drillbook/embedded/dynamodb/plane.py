"""DynamoDB with time travel: the plane that puts it in moto's place, and the sweeper of expired items."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest import mock

from drillbook.embedded import durations
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

    def install(self, cloud: CloudState) -> None:
        from moto.dynamodb import urls
        from moto.dynamodb.models import dynamodb_backends
        from moto.dynamodb.models.table import Table

        from drillbook.embedded.dynamodb.api import TimeTravelApi
        from drillbook.embedded.dynamodb.backend import TimeTravelBackend
        from drillbook.embedded.dynamodb.stack import complete

        TimeTravelBackend.cloud = cloud
        create = complete(Table.create_from_cloudformation_json)
        for replaced in (
            mock.patch.object(dynamodb_backends, "backend", TimeTravelBackend),
            mock.patch.dict(urls.url_paths, {"{0}/": TimeTravelApi.dispatch}),
            mock.patch.object(Table, "create_from_cloudformation_json", classmethod(create)),
        ):
            self._undo.enter_context(replaced)
        dynamodb_backends.clear()
        self._undo.callback(dynamodb_backends.clear)
        threading.Thread(target=self._sweep, args=(cloud,), name="ttl", daemon=True).start()

    def status(self) -> dict[str, Json]:
        return {"tables": sum(len(backend.tables) for backend in _backends())}

    def close(self) -> None:
        self._ended.set()
        for backend in _backends():
            backend.ledger.couriers.shutdown(wait=False, cancel_futures=True)
        self._undo.close()

    def _sweep(self, cloud: CloudState) -> None:
        while not self._ended.wait(cloud.aws_seconds(durations.TTL_SWEEP)):
            expire_everywhere()


def expire_everywhere() -> int:
    """Delete every item whose time to live is over, in all accounts and regions, and count them."""
    return sum(backend.expire(backend.table(name)) for backend in _backends() for name in list(backend.tables))


def _backends() -> list[TimeTravelBackend]:
    from moto.dynamodb.models import dynamodb_backends

    from drillbook.embedded.dynamodb.backend import TimeTravelBackend

    backends = [backend for regions in list(dynamodb_backends.values()) for backend in list(regions.values())]
    return [backend for backend in backends if isinstance(backend, TimeTravelBackend)]
