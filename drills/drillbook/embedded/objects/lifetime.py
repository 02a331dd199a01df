"""For how long an object's content is kept: a request that has begun to read it gets all of it.

Amazon S3 answers a read with the object as it was before or after a concurrent write, never with an error:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from __future__ import annotations

from collections.abc import Callable

from moto.s3.models import FakeKey

Dispose = Callable[[FakeKey, bool], None]


def dispose(real: Dispose) -> Dispose:
    """Let the content of what was replaced or deleted go with its last reader; moto closes it at once."""

    def when_nobody_has_it(key: FakeKey, garbage: bool = False) -> None:
        if garbage:
            real(key, garbage)
        else:
            key.disposed = True

    return when_nobody_has_it
