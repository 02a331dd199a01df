"""The health checkers' rounds: each goes to its endpoint again one interval after it had its answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from moto.route53.models import HealthCheck

from drillbook.embedded.dns.check_settings import ENDPOINT_TYPES
from drillbook.embedded.dns.checker import Finding
from drillbook.embedded.dns.health import Health, regions_of
from drillbook.embedded.planes import CloudState

_IDLE = 1.0
"""Seconds after which new health checks are noticed that nobody told of."""
_AT_ONCE = 32
_log = logging.getLogger(__name__)
Visit = tuple[str, str]
"""A health check's id and a checker's region."""


class Rounds:
    """Threads that probe. ``checks`` gives all health checks, ``probe`` makes one, ``tell`` is called now and then."""

    def __init__(
        self,
        cloud: CloudState,
        health: Health,
        checks: Callable[[], list[HealthCheck]],
        probe: Callable[[HealthCheck], Finding],
        tell: Callable[[], None],
    ) -> None:
        self._cloud, self._health, self._checks, self._probe, self._tell = cloud, health, checks, probe, tell
        self._due: dict[Visit, float] = {}
        self._ended = False
        self._news = threading.Condition()
        self._walkers = ThreadPoolExecutor(_AT_ONCE, "health-check")
        self._told = 0.0
        self._changed = False
        self.made = 0
        """Probes so far."""
        self.fault = ""
        """Why the last round came to nothing, if it did: the cloud's own failure, not an endpoint's."""

    def start(self) -> None:
        threading.Thread(target=self._run, name="health-checks", daemon=True).start()

    def wake(self) -> None:
        """Health checks have changed."""
        with self._news:
            self._changed = True
            self._news.notify_all()

    def close(self) -> None:
        with self._news:
            self._ended = True
            self._news.notify_all()
        self._walkers.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._ended:
            try:
                self._round()
                self.fault = ""
            except Exception as error:  # noqa: BLE001 - a thread's last frame: the checks go on as soon as they can
                _log.exception("a round of health checks failed")
                self.fault = f"{type(error).__name__}: {error}"
            self._wait()

    def _wait(self) -> None:
        """Until the next visit is due, or something has changed."""
        with self._news:
            left = min(self._due.values(), default=float("inf")) - self._cloud.clock.monotonic()
            if not self._ended and not self._changed:
                self._news.wait(max(0.0, min(_IDLE, left)))
            self._changed = False

    def _round(self) -> None:
        now = self._cloud.clock.monotonic()
        wanted = self._wanted()
        for visit in wanted.keys() - self._due.keys():
            self._health.checker(wanted[visit], visit[1]).begin()
        with self._news:
            self._due = {visit: self._due.get(visit, now) for visit in wanted}
            ready = [visit for visit, due in self._due.items() if due <= now]
            self._due |= dict.fromkeys(ready, float("inf"))
        for visit in ready:
            self._walkers.submit(self._visit, wanted[visit], visit)
        if wanted and now - self._told >= self._cloud.aws_seconds(60):
            self._told = now
            self._tell()

    def _wanted(self) -> dict[Visit, HealthCheck]:
        """Every visit that is to be made now: not of disabled checks, not from dark regions."""
        checks = self._checks()
        self._health.keep_only(check.id for check in checks)
        dark = self._cloud.domains.now.dark
        return {
            (check.id, region): check
            for check in checks
            if check.type_ in ENDPOINT_TYPES and not check.disabled
            for region in regions_of(check)
            if not dark(region)
        }

    def _visit(self, check: HealthCheck, visit: Visit) -> None:
        _, region = visit
        try:
            finding = self._probe(check)
            if not self._cloud.domains.now.dark(region):
                self._health.checker(check, region).note(finding, self._cloud.clock.now(), int(check.failure_threshold))
                self.made += 1
        except Exception:  # noqa: BLE001 - a thread's last frame: the next round goes there again
            _log.exception("health check %s from %s", check.id, region)
        finally:
            interval = self._cloud.aws_seconds(float(check.request_interval))
            with self._news:
                if visit in self._due:
                    self._due[visit] = self._cloud.clock.monotonic() + interval
            self.wake()
