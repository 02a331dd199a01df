"""What a service replicates from region to region: when it arrives, and the thread that carries it.

A link that is cut, or a region that goes dark, stops what is on its way at that instant: nothing is delivered any more
when the fault's injection has returned, and what was not delivered stays at its source. It sets out again when the
link is mended, and arrives a delay later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from drillbook.embedded.domains import Failures
from drillbook.embedded.planes import CloudState

_REST = 1.0
"""Seconds that a courier rests after an error of its own."""
_log = logging.getLogger(__name__)


class Transit:
    """When what one service sends from region to region arrives. Instants are UTC seconds since the epoch."""

    def __init__(self, service: str, cloud: CloudState) -> None:
        self._service, self._cloud = service, cloud
        self._mended: dict[str | frozenset[str], float] = {}
        """Since when a region lives, or a pair of regions is linked, that did not before."""
        cloud.domains.listen(self._changed)

    def arrival(self, sent: float, one: str, other: str) -> float | None:
        """When something sent then is there; None while the link is cut."""
        if not self._cloud.domains.now.linked(one, other):
            return None
        since = max(self._mended.get(place, 0.0) for place in (one, other, frozenset({one, other})))
        return max(sent, since) + self._cloud.links.delay(self._service, one, other)

    def _changed(self, before: Failures, now: Failures) -> None:
        at = self._cloud.clock.now().timestamp()
        self._mended |= dict.fromkeys((before.regions - now.regions) | (before.partitions - now.partitions), at)


class Courier:
    """One thread that delivers what is due. ``deliver`` is called alone, under ``lock``, and returns the seconds until
    it is to be called again; None: when somebody wakes the courier."""

    def __init__(
        self, name: str, cloud: CloudState, lock: AbstractContextManager[object], deliver: Callable[[], float | None]
    ) -> None:
        self.failure = ""
        """What went wrong last, for the plane's status."""
        self._lock, self._deliver = lock, deliver
        self._woken, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        cloud.domains.listen(self._changed)
        cloud.links.listen(self.wake)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something to deliver, or it is due at another time than before."""
        self._woken.set()

    def close(self) -> None:
        self._ended = True
        self.wake()
        if self._thread.is_alive():
            self._thread.join()

    def _changed(self, *_: Failures) -> None:
        """Return only after a delivery that has begun before the change: the fault is then in effect."""
        with self._lock:
            self.wake()

    def _work(self) -> None:
        while not self._ended:
            self._woken.clear()
            self._woken.wait(self._round())

    def _round(self) -> float | None:
        try:
            with self._lock:
                return self._deliver()
        except Exception as error:  # noqa: BLE001 - a thread's last frame: the status tells it, the next round retries
            self.failure = f"{type(error).__name__}: {error}"
            _log.error("%s: %s", self._thread.name, self.failure, exc_info=error)
            return _REST
