"""What an edge keeps, for how long, and how an invalidation ends it.

Source: "Manage how long content stays in the cache"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html). All edges are one here, and the
cache of a loaded world begins empty.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from drillbook.embedded.cdn.message import Answer
from drillbook.embedded.cdn.site import Caching

MOST = 2000
"""Objects."""
_ALWAYS_KEPT = frozenset({404, 410, 414, 500, 501, 502, 503, 504})
"""Errors that are kept for the error caching minimum TTL, whatever the origin says.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html"""

Key = tuple[str, str, str]
"""Distribution, path, and the query string where it tells objects apart."""


@dataclass(frozen=True)
class Kept:
    """An object; moments are monotonic seconds."""

    answer: Answer
    stored: float
    until: float


@dataclass
class Cache:
    _kept: OrderedDict[Key, Kept] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Key) -> Kept | None:
        """Whether it has expired is the caller's to see: a stale object is better than none."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Key, kept: Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def evict(self, distribution: str, paths: list[str]) -> None:
        """Forget what matches: a path as it is, or up to the asterisk at its end; query strings do not matter."""
        with self._lock:
            for key in [
                key for key in self._kept if key[0] == distribution and any(_matches(key[1], p) for p in paths)
            ]:
                del self._kept[key]

    def __len__(self) -> int:
        return len(self._kept)


def lifetime(answer: Answer, caching: Caching, error_ttl: float) -> float:
    """AWS seconds for which an answer is kept; 0: not at all."""
    said = _said(answer)
    if answer.status >= 400:
        return max(error_ttl, said or 0.0) if answer.status in _ALWAYS_KEPT or said else 0.0
    if caching.most == 0:
        return 0.0
    return min(max(caching.default if said is None else said, caching.least), caching.most)


def _said(answer: Answer) -> float | None:
    """What the origin says in Cache-Control or Expires."""
    control = answer.header("Cache-Control").lower()
    if re.search(r"no-store|no-cache|private", control):
        return 0.0
    for name in ("s-maxage", "max-age"):
        if found := re.search(rf"(?:^|[\s,]){name}=(\d+)", control):
            return float(found[1])
    return _until(answer.header("Expires"), answer.header("Date"))


def _until(expires: str, date: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(expires) - parsedate_to_datetime(date)).total_seconds())
    except (TypeError, ValueError):
        return None


def _matches(path: str, invalidated: str) -> bool:
    wanted = "/" + invalidated.lstrip("/").partition("?")[0]
    return path.startswith(wanted[:-1]) if wanted.endswith("*") else path == wanted
