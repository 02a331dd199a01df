"""Messages on their way to subscribers: in the background, retried as SNS retries, and to this machine only.

Source: "Message delivery retries" (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html): to
HTTP endpoints the default policy is 3 retries, 20 seconds apart; a client error (4xx but 429) is not retried.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import urllib3

from drillbook.embedded.planes import CloudState

RETRIES = 3
RETRY_DELAY = 20.0
"""AWS seconds."""
PATIENCE = 15.0
"""Seconds, not scaled, in which an endpoint must answer; clients are real."""
_LOCAL = ("127.", "localhost", "[::1]")
_LOOK = 0.05
_log = logging.getLogger(__name__)


class Couriers:
    """Carries messages. ``counts`` tells how many were delivered, failed, or refused because they would leave the
    machine."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud = cloud
        self._closed = threading.Event()
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="sns")
        self._web = urllib3.PoolManager(retries=False, timeout=PATIENCE, maxsize=8)
        self.counts: Counter[str] = Counter()

    def post(self, url: str, body: bytes, headers: dict[str, str], region: str) -> None:
        """Send to an HTTP endpoint of this machine, unless the topic's region is dark for good."""
        if not urlsplit(url).netloc.startswith(_LOCAL):
            self.counts["refused"] += 1
            _log.warning("SNS does not deliver to %s: an embedded cloud talks to this machine alone", url)
            return
        self._pool.submit(self._carry, lambda: self._posted(url, body, headers), region, region)

    def call(self, deliver: Callable[[], object], region: str, other: str) -> None:
        """Run ``deliver``, which raises what is to be retried, once the two regions reach one another."""

        def delivered() -> bool:
            deliver()
            return True

        self._pool.submit(self._carry, delivered, region, other)

    def close(self) -> None:
        self._closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._web.clear()

    def _carry(self, attempt: Callable[[], bool], region: str, other: str) -> None:
        for _ in range(1 + RETRIES):
            if not self._until_linked(region, other):
                return
            try:
                self.counts["delivered" if attempt() else "failed"] += 1
            except Exception as error:  # noqa: BLE001 - a thread's last frame: whatever it was, it is tried again
                _log.info("SNS delivery: %s", error)
            else:
                return
            if self._closed.wait(self._cloud.aws_seconds(RETRY_DELAY)):
                return
        self.counts["failed"] += 1

    def _until_linked(self, region: str, other: str) -> bool:
        """False if the cloud ends before the regions reach one another again."""
        while not self._cloud.domains.now.linked(region, other):
            if self._closed.wait(_LOOK):
                return False
        return True

    def _posted(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        answer = self._web.request("POST", url, body=body, headers=headers, redirect=False)
        if answer.status == 429 or answer.status >= 500:
            raise OSError(f"{url} answered {answer.status}")
        return bool(answer.status < 400)
