"""How jobs are done: in threads, step by step, and only in regions that live."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from drillbook.embedded.backup.records import Job
from drillbook.embedded.domains import Failures
from drillbook.embedded.planes import CloudState

T = TypeVar("T")
_LOOK_AGAIN = 0.02
_log = logging.getLogger(__name__)


class JobFailed(Exception):
    """The job ends FAILED with this as its StatusMessage."""


class _Aborted(Exception):
    """Somebody stopped the job."""


class _Closed(Exception):
    """The cloud ends."""


class Desk:
    """Where jobs are worked on. A step of a job is done as a whole, before or after a change of what is broken."""

    def __init__(self, cloud: CloudState) -> None:
        self.cloud = cloud
        self.faults: list[str] = []
        """What the embedded cloud itself could not do: the last few, newest last."""
        self._changed = threading.Condition()
        self._closed = threading.Event()
        cloud.domains.listen(self._broken_or_mended)

    def begin(self, job: Job, work: Callable[[Work], None]) -> None:
        """Do ``work`` in a thread of its own; whatever becomes of it is the job's state."""
        threading.Thread(target=self._do, args=(job, work), name=f"backup-{job.id}", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    @contextmanager
    def in_regions(self, *regions: str) -> Iterator[None]:
        """One step: wait until the regions live and reach one another, then let nothing break before it is done."""
        with self._changed:
            while not self._closed.is_set() and not self._reachable(regions):
                self._changed.wait()
            if self._closed.is_set():
                raise _Closed
            yield

    @contextmanager
    def if_alive(self, region: str) -> Iterator[bool]:
        """Says whether the region lives, and lets nothing break meanwhile."""
        with self._changed:
            yield self._reachable((region,))

    def pause(self) -> None:
        if self._closed.wait(_LOOK_AGAIN):
            raise _Closed

    def _reachable(self, regions: tuple[str, ...]) -> bool:
        now = self.cloud.domains.now
        return all(now.linked(one, other) for one in regions for other in regions)

    def _broken_or_mended(self, before: Failures, now: Failures) -> None:
        del before, now
        with self._changed:
            self._changed.notify_all()

    def _do(self, job: Job, work: Callable[[Work], None]) -> None:
        try:
            work(Work(self, job))
            job.end("COMPLETED", self.cloud.clock.now())
        except _Closed:
            return
        except _Aborted:
            job.end("ABORTED", self.cloud.clock.now(), "The job was stopped.")
        except (HTTPException, ServiceException, JobFailed) as refused:
            job.end("FAILED", self.cloud.clock.now(), str(getattr(refused, "message", refused)))
        except Exception as error:  # noqa: BLE001 - a thread's last frame: the job must not stay RUNNING
            _log.error("job %s", job.id, exc_info=error)
            self.faults = [*self.faults[-4:], f"{job.id}: {type(error).__name__}: {error}"]
            job.end("FAILED", self.cloud.clock.now(), f"The embedded cloud is at fault: {error}")


class Work:
    """A job under way."""

    def __init__(self, desk: Desk, job: Job) -> None:
        self._desk, self._job = desk, job

    def step(self, act: Callable[[], T], *regions: str) -> T:
        """Do one short step, when the regions it needs live."""
        with self._desk.in_regions(*regions):
            self._not_stopped()
            if self._job.state in ("CREATED", "PENDING"):
                self._job.state = "RUNNING"
            return act()

    def until(self, done: Callable[[], bool], *regions: str) -> None:
        """Look again and again, as long as the regions live, until it is done."""
        while not self.step(done, *regions):
            self._desk.pause()

    def _not_stopped(self) -> None:
        if self._job.state == "ABORTING":
            raise _Aborted
