"""The one polling loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drillbook.clock import Clock
from drillbook.errors import TemporaryError, WaitTimeout

T = TypeVar("T")


def wait_for(
    what: str,
    look: Callable[[], T],
    *,
    timeout: float,
    clock: Clock,
    interval: float = 0.1,
    until: Callable[[T], bool] = bool,
    do: str = "",
) -> T:
    """Look every ``interval`` seconds until ``until(look())``, and return what was seen.

    ``timeout`` and ``interval`` are monotonic seconds of ``clock``. A ``TemporaryError`` of ``look`` counts as not
    yet; any other error ends the wait. Looks at least once, and once more at the deadline.

    Raises WaitTimeout with what was seen last.
    """
    deadline = clock.monotonic() + timeout
    while True:
        try:
            seen: T | TemporaryError = look()
        except TemporaryError as error:
            seen = error
        if not isinstance(seen, TemporaryError) and until(seen):
            return seen
        left = deadline - clock.monotonic()
        if left <= 0:
            raise WaitTimeout(what, timeout=timeout, last=seen, do=do)
        clock.sleep(min(interval, left))
