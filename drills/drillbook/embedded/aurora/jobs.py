"""Work that a call starts and does not wait for; the calls that ask how far it is wait for it a little."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable

from drillbook.clock import Clock

_PATIENCE = 1.5
"""Seconds that a describe call waits: the waiters of SDKs and CLI look again only after 15 to 30 s."""
_log = logging.getLogger(__name__)


class Jobs:
    """Threads, by the names of the resources that are in transition meanwhile."""

    def __init__(self, clock: Clock) -> None:
        self.failures: deque[str] = deque(maxlen=5)
        """What went wrong in the background, newest last: always the embedded cloud's fault."""
        self._clock = clock
        self._running: dict[threading.Event, frozenset[str]] = {}

    def begin(self, names: Iterable[str], work: Callable[[], None], failed: Callable[[], None]) -> None:
        """Do ``work``; ``failed`` if that raises anything."""
        done = threading.Event()
        self._running[done] = frozenset(name.lower() for name in names)

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a thread's last frame: told by the status, and by the resource
                self.note(error)
                failed()
            finally:
                self._running.pop(done)
                done.set()

        threading.Thread(target=run, name="aurora-job", daemon=True).start()

    def note(self, error: Exception) -> None:
        """The embedded cloud itself has failed."""
        self.failures.append(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        _log.error("work in the background failed", exc_info=error)

    def hold(self, name: str) -> None:
        """Wait for the work on this resource, but not for long."""
        self._wait([done for done, names in list(self._running.items()) if name.lower() in names], _PATIENCE)

    def finish(self, timeout: float) -> None:
        """Wait for all of it, at most ``timeout`` seconds in all."""
        self._wait(list(self._running), timeout)

    def _wait(self, events: Iterable[threading.Event], timeout: float) -> None:
        deadline = self._clock.monotonic() + timeout
        for done in events:
            done.wait(max(0.0, deadline - self._clock.monotonic()))
