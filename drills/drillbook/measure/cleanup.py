"""Take the canary's records out of the service again. May run twice, in another process, days later."""

from __future__ import annotations

from dataclasses import dataclass

from drillbook.clock import Clock
from drillbook.measure.final import in_parallel, possible_keys
from drillbook.measure.front_door import FrontDoor
from drillbook.measure.history import ABSENT, History, Kind, Res


@dataclass(frozen=True)
class Cleanup:
    """``removed``: deleted or not there. ``left``: could not be deleted, by key."""

    removed: int
    left: tuple[str, ...]


def cleanup(door: FrontDoor, history: History, clock: Clock, *, attempts: int = 3, pause: float = 0.2) -> Cleanup:
    """Delete every key that may exist by ``history``, deleted ones too: a restore may have brought them back."""

    def gone(key: str) -> bool:
        for attempt in range(attempts):
            if attempt:
                clock.sleep(pause)
            answer = door.ask(Kind.DELETE, key, 0)
            if answer.res is Res.OK or answer.seen == ABSENT:
                return True
        return False

    keys = possible_keys(history)
    if Kind.DELETE not in door.kinds:
        return Cleanup(0, tuple(keys))
    outcomes = in_parallel(gone, keys)
    return Cleanup(sum(outcomes), tuple(key for key, is_gone in zip(keys, outcomes, strict=True) if not is_gone))
