"""An empty data directory that is copied before anybody asks for one: copying takes longer than all that follows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path


class Spare:
    """``copy`` makes one more copy of the template and says where it is. Nothing is made before the first ``take``."""

    def __init__(self, copy: Callable[[], Path]) -> None:
        self._copy = copy
        self._next: Future[Path] | None = None
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="postgres-spare")

    def take(self, target: Path) -> None:
        """Have the copy at ``target``, which must not exist."""
        with self._lock:
            ready, self._next = self._next, None
        made = ready.result() if ready is not None else self._copy()
        made.rename(target)

    def provide(self) -> None:
        """Make the next one, in the background."""
        with self._lock:
            if self._next is None:
                self._next = self._pool.submit(self._copy)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
