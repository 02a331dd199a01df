"""S3 that replicates between buckets, and keeps its versions while versioning is suspended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from drillbook.embedded.courier import Courier
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.objects.delivery import Delivery


_OF_AN_UPLOAD = ("upload_part", "upload_part_copy", "complete_multipart_upload", "list_parts")


def plane() -> Objects:
    return Objects()


class Objects:
    """Wraps moto's S3 when installed and gives it back when closed."""

    name = "s3"

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._courier: Courier | None = None
        self.deliver: Callable[[], float | None] | Delivery = _nothing_to_do
        """Delivers what is due for other buckets; returns the seconds until more will be."""

    def install(self, cloud: CloudState) -> None:
        from moto.s3.models import FakeKey, S3Backend
        from moto.s3.responses import S3Response

        from drillbook.embedded.objects import api, lifetime, suspended
        from drillbook.embedded.objects.delivery import Delivery
        from drillbook.embedded.objects.writes import Writes

        lock = threading.RLock()
        self.deliver = Delivery(cloud, lock)
        self._courier = Courier("s3-replication", cloud, lock, self.deliver)
        writes = Writes(cloud.clock, lock, self._courier.wake)
        wrapped: dict[tuple[type, str], Callable[[Any], object]] = {
            (S3Backend, "put_object"): lambda real: writes.put_object(suspended.put_object(api.put_object(real))),
            (S3Backend, "delete_object"): lambda real: writes.delete_object(suspended.delete_object(real)),
            **{(S3Backend, name): api.of_known_upload for name in _OF_AN_UPLOAD},
            (S3Backend, "put_object_tagging"): writes.put_object_tagging,
            (S3Backend, "delete_object_tagging"): writes.delete_object_tagging,
            (S3Backend, "put_bucket_replication"): api.put_bucket_replication,
            (S3Backend, "put_bucket_versioning"): api.put_bucket_versioning,
            (S3Response, "get_bucket_replication"): lambda _: api.get_bucket_replication,
            (S3Response, "_bucket_response"): api.bucket_response,
            (S3Response, "key_response"): writes.request,
            (S3Response, "bucket_response"): writes.request,
            (FakeKey, "response_dict"): api.response_dict,
            (FakeKey, "dispose"): lifetime.dispose,
        }
        for (owner, name), wrap in wrapped.items():
            self._undo.enter_context(mock.patch.object(owner, name, wrap(vars(owner)[name])))
        self._courier.start()

    def status(self) -> dict[str, Json]:
        from drillbook.embedded.objects.delivery import buckets
        from drillbook.embedded.objects.outbox import outboxes

        waiting = [len(outbox) for bucket in buckets() for outbox in list(outboxes(bucket).values())]
        return {"replicating": sum(waiting), "failure": self._courier.failure if self._courier else ""}

    def save(self, _: Path) -> None:
        """Nothing: moto's buckets hold it all, with what is under way between them."""

    def load(self, _: Path) -> None:
        """Deliver what was under way when the world was saved."""
        if self._courier is not None:
            self._courier.wake()

    def close(self) -> None:
        if self._courier is not None:
            self._courier.close()
        self._undo.close()


def _nothing_to_do() -> float | None:
    return None
