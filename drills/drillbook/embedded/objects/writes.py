"""Which writes are replicated: seen in moto's backend, sent when the request that makes them is complete.

moto stores an object first and gives it its metadata and tags after that, within one request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend

from drillbook.clock import Clock
from drillbook.embedded.objects.outbox import send, send_tags

Call = Callable[..., Any]


class Writes:
    """Wrappers for methods of S3Backend and S3Response. ``wake`` is called when there is something to deliver."""

    def __init__(self, clock: Clock, lock: AbstractContextManager[object], wake: Callable[[], None]) -> None:
        self._clock, self._lock, self._wake = clock, lock, wake
        self._here = threading.local()

    def request(self, real: Call) -> Call:
        @wraps(real)
        def request(*args: Any, **kwargs: Any) -> Any:
            outer, self._here.held = getattr(self._here, "held", None), []
            try:
                return real(*args, **kwargs)
            finally:
                held, self._here.held = self._here.held, outer
                self._send(held)

        return request

    def put_object(self, real: Call) -> Call:
        @wraps(real)
        def put_object(backend: S3Backend, bucket_name: str, *args: Any, **kwargs: Any) -> FakeKey:
            bucket = backend.get_bucket(bucket_name)
            with self._undisturbed(bucket):
                key: FakeKey = real(backend, bucket_name, *args, **kwargs)
            self._hold(lambda at: send(bucket, key, at))
            return key

        return put_object

    def delete_object(self, real: Call) -> Call:
        @wraps(real)
        def delete_object(
            backend: S3Backend, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
        ) -> Any:
            bucket = backend.get_bucket(bucket_name)
            with self._undisturbed(bucket):
                answer = real(backend, bucket_name, key_name, version_id, bypass)
            marker = bucket.keys.get(key_name)
            if version_id is None and isinstance(marker, FakeDeleteMarker):
                self._hold(lambda at: send(bucket, marker, at))
            return answer

        return delete_object

    def put_object_tagging(self, real: Call) -> Call:
        @wraps(real)
        def put_object_tagging(backend: S3Backend, key: FakeKey, tags: dict[str, str] | None) -> FakeKey:
            answer: FakeKey = real(backend, key, tags)
            self._hold(lambda at: send_tags(backend.get_bucket(str(key.bucket_name)), key, at))
            return answer

        return put_object_tagging

    def delete_object_tagging(self, real: Call) -> Call:
        @wraps(real)
        def delete_object_tagging(
            backend: S3Backend, bucket_name: str, key_name: str, version_id: str | None = None
        ) -> None:
            real(backend, bucket_name, key_name, version_id)
            key = backend.get_object(bucket_name, key_name, version_id=version_id)
            if key is not None:
                self._hold(lambda at: send_tags(backend.get_bucket(bucket_name), key, at))

        return delete_object_tagging

    def _undisturbed(self, bucket: FakeBucket) -> AbstractContextManager[object]:
        """Let no replica be placed between moto's reading of an object's versions and its writing of them. Where a
        function is told of the write it may itself write, and must not wait for it."""
        return self._lock if bucket.notification_configuration is None else nullcontext()

    def _hold(self, write: Callable[[float], bool]) -> None:
        """Until the end of the request; outside of one, as when a backup is restored, send it now."""
        held = getattr(self._here, "held", None)
        if held is None:
            self._send([write])
        else:
            held.append(write)

    def _send(self, writes: list[Callable[[float], bool]]) -> None:
        if not writes:
            return
        with self._lock:
            at = self._clock.now().timestamp()
            sent = [write(at) for write in writes]
        if any(sent):
            self._wake()
