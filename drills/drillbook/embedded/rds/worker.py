"""What is done to one instance is done one thing after the other, and what an outage interrupts is taken up again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from drillbook.embedded.rds.names import Record

if TYPE_CHECKING:
    from drillbook.embedded.rds.estate import Estate

_FULL = "storage-full"


class Worker:
    """One thread for one instance, whose status says what it is at."""

    def __init__(self, estate: Estate, instance: Record) -> None:
        self.estate = estate
        self.instance: Record = instance
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"rds-{instance.db_instance_identifier}")
        self._last: Future[None] | None = None
        self._change: Future[None] | None = None
        self._interrupted: Callable[[], None] | None = None

    @property
    def hindered(self) -> bool:
        """Is something that this instance needs dark or cut off now?"""
        raise NotImplementedError

    def begin(self, status: str, work: Callable[[], None], then: str = "available") -> None:
        """Have ``status`` at once and until ``work`` is done, then ``then``; ``failed`` if it cannot be done.

        ``work`` is begun anew after an outage that it does not survive, and must be able to.
        """
        self.instance.status = status
        self._change = self._submit(lambda: self._carry_out(work, then))

    def behind_the_scenes(self, work: Callable[[], None]) -> Future[None]:
        """Work that no status tells of, and that an outage ends."""
        return self._submit(lambda: self._carry_out(work, None))

    def take_up(self) -> None:
        """Do what an outage interrupted. To be called in this worker's own thread."""
        work, self._interrupted = self._interrupted, None
        if work is not None:
            work()

    def hold(self, seconds: float) -> None:
        """Wait for the change under way, of which the status tells, but not for longer than ``seconds``."""
        if self._change is not None:
            wait([self._change], seconds)

    def hold_all(self, seconds: float) -> None:
        """As ``hold``, and for what is done behind the scenes."""
        if self._last is not None:
            wait([self._last], seconds)

    def finish(self) -> None:
        """Let the thread end."""
        self._pool.shutdown(wait=False)

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        self._last = self._pool.submit(work)
        return self._last

    def _carry_out(self, work: Callable[[], None], then: str | None) -> None:
        domains = self.estate.cloud.domains
        begun_in = domains.now
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a job's last frame: told by the plane's status and the instance's
            if self.hindered or domains.now is not begun_in:
                self._postpone(work, then)
                return
            self.estate.note(self.instance.db_instance_identifier, error)
            then = "failed" if then else None
        if then and self.instance.status != _FULL:
            self.instance.status = then

    def _postpone(self, work: Callable[[], None], then: str | None) -> None:
        """Until what hinders it is over. Then, and after every change of failure domains, somebody takes it up: always
        behind this in the worker's thread, and once what it needs runs again."""
        if then is not None:
            self._interrupted = lambda: self._carry_out(work, then)
