"""The state after recovery: every record the canary ever tried to write, read once more through the front door."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from drillbook.clock import Clock, utc_text
from drillbook.errors import EvidenceError
from drillbook.events import Json
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.front_door import FrontDoor
from drillbook.measure.history import ABSENT, FOREIGN, WRITES, History, Kind, Res

T = TypeVar("T")
UNREADABLE = "unreadable"
GIVE_UP = 24
"""So many records in vain, and not one read: the service is down, and the rest need not be asked for one by one."""


@dataclass(frozen=True)
class Final:
    """``keys``: for each key the version shown (ABSENT, FOREIGN), or None where it could not be read."""

    keys: Mapping[str, int | None]
    listed: Mapping[str, int] | None = None
    """How often the front door's list shows each of this run's keys; None when there is no list."""
    at: float = 0.0
    """Monotonic seconds when the reading began."""
    utc: str = ""

    def as_json(self) -> dict[str, Json]:
        """``keys``: a version, null (absent) or "unreadable"; foreign records are null, and listed in ``foreign``."""
        said = {ABSENT: None, FOREIGN: None, None: UNREADABLE}
        return {
            "at": self.at,
            "utc": self.utc,
            "keys": {key: said.get(seen, seen) for key, seen in self.keys.items()},
            "foreign": [key for key, seen in self.keys.items() if seen == FOREIGN],
            "listed": None if self.listed is None else dict(self.listed),
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Json]) -> Final:
        """Raises EvidenceError when ``given`` is no final state."""
        try:
            foreign = frozenset(given["foreign"])
            keys = {key: _seen(said) if key not in foreign else FOREIGN for key, said in given["keys"].items()}
            listed = given["listed"]
            return cls(keys, None if listed is None else dict(listed), float(given["at"]), str(given["utc"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvidenceError(f"final.json is malformed ({error!r})", do="use it as the drill wrote it") from None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Final:
        """Raises EvidenceError."""
        try:
            return cls.from_json(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise EvidenceError(f"{path} cannot be read: {error}", do="give a drill's own directory") from None


def read_final(door: FrontDoor, history: History, clock: Clock, *, attempts: int = 3, pause: float = 0.2) -> Final:
    """Read every key that the canary may have written, up to ``attempts`` times, ``pause`` seconds apart.

    Of a service that answered for none of the first ``GIVE_UP``, the others are unreadable without being asked for.
    """
    at, now = clock.monotonic(), clock.now()
    answered, is_down, in_vain = threading.Event(), threading.Event(), itertools.count(1)

    def seen(key: str) -> int | None:
        for attempt in range(0 if is_down.is_set() else attempts):
            if attempt:
                clock.sleep(pause)
            answer = door.ask(Kind.READ, key, 0)
            if answer.res is Res.OK:
                answered.set()
                return answer.seen
        if not answered.is_set() and next(in_vain) >= GIVE_UP:
            is_down.set()
        return None

    keys = possible_keys(history)
    read = in_parallel(seen, keys) if Kind.READ in door.kinds else [None] * len(keys)
    prefix = str(history.header.get("settings", {}).get("prefix", ""))
    listing = door.listing()
    listed = None if listing is None else {key: n for key, n in listing.items() if prefix and key.startswith(prefix)}
    return Final(dict(zip(keys, read, strict=True)), listed, at, utc_text(now))


def possible_keys(history: History) -> list[str]:
    """The keys that were written, and when the canary was killed, those it may have been writing just then."""
    keys = dict.fromkeys(op.key for op in sorted(history.ops, key=lambda op: op.sent) if op.f in WRITES)
    if not history.ended:
        settings = CanarySettings.from_json(history.header["settings"])
        highest = max((int(key.removeprefix(settings.prefix)) for key in keys), default=0)
        keys.update(dict.fromkeys(settings.key(number) for number in range(1, highest + settings.workers + 1)))
    return list(keys)


def in_parallel(work: Callable[[str], T], keys: Iterable[str], *, workers: int = 8) -> list[T]:
    with ThreadPoolExecutor(workers, thread_name_prefix="canary-keys") as pool:
        return list(pool.map(work, keys))


def _seen(said: Json) -> int | None:
    if said == UNREADABLE:
        return None
    return ABSENT if said is None else int(said)
