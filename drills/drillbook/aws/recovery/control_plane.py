"""Route 53 is changed and read through us-east-1 alone; its name servers and health checkers are everywhere.

AWS: "Fault isolation boundaries", global services.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drillbook.errors import TargetError, TemporaryError

_ADVICE = (
    "Route 53 is changed through us-east-1 alone: if that region is lost, only health checks can still move traffic"
)


@contextmanager
def through_us_east_1() -> Iterator[None]:
    """Where nobody answers a call in this block, the error says what that may mean."""
    try:
        yield
    except TargetError as error:
        raise TargetError(error.what, do=_ADVICE) from error
    except TemporaryError as error:
        if not error.code.endswith("Error"):  # AWS answered, with a code of its own
            raise
        raise TemporaryError(error.what, code=error.code, delay=error.delay, do=_ADVICE) from error
