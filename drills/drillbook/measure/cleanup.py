"""Take the canary's records out of the service again. May run twice, in another process, days later."""

from __future__ import annotations

from dataclasses import dataclass

from drillbook.clock import Clock
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.final import in_parallel
from drillbook.measure.front_door import FrontDoor
from drillbook.measure.history import ABSENT, WRITES, History, Kind, Res


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

    keys = _possible_keys(history)
    if Kind.DELETE not in door.kinds:
        return Cleanup(0, tuple(keys))
    outcomes = in_parallel(gone, keys)
    return Cleanup(sum(outcomes), tuple(key for key, is_gone in zip(keys, outcomes, strict=True) if not is_gone))


def _possible_keys(history: History) -> list[str]:
    """The keys that were written, and when the canary was killed, those it may have been writing just then."""
    keys = dict.fromkeys(op.key for op in history.ops if op.f in WRITES)
    if not history.ended:
        settings = CanarySettings.from_json(history.header["settings"])
        highest = max((int(key.removeprefix(settings.prefix)) for key in keys), default=0)
        keys.update(dict.fromkeys(settings.key(highest + ahead) for ahead in range(1, settings.workers + 1)))
        keys.update(dict.fromkeys(settings.key(number) for number in range(1, highest + 1)))
    return list(keys)
