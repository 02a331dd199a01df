"""What the canary knows of its own records, and what it does next.

Rules, and why:

- one operation at a time per key, and a key whose write has an unknown outcome is never written again: so each key's
  history stays sequential, and judging it needs no search;
- a key is written only in its first seconds: a later write would paint over the loss of an earlier one;
- a key that a read found missing or outdated is a suspect and is read again, round robin, until it is well;
- a kind of write that went badly is tried again before the others: so that its recovery is seen early.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.history import ABSENT, WRITES, Kind, Res

_SHARES = {"write": 3, "read": 3, "probe": 4}
_WRITES = (Kind.INSERT, Kind.UPDATE, Kind.INSERT, Kind.DELETE, Kind.INSERT)
_CHRONIC = 3
"""Bad reads in a row after which the youngest suspect makes room for another one. The old ones stay: what a recovery
loses for good are the newest writes, while an old record that was read badly is likely to come back."""


@dataclass(frozen=True)
class Errand:
    """One operation to do. ``ver``: the version to write, or for a read the one acknowledged (0: should be absent)."""

    f: Kind
    key: str = ""
    ver: int = 0


@dataclass
class _Record:
    born: float
    attempted: int = 0
    acknowledged: int = 0
    shown: int = 0
    """What a read should show: the acknowledged version, or ABSENT after an acknowledged delete."""


class Ledger:
    """Chooses errands for a service that offers ``kinds``. The same seed and outcomes give the same errands.

    Not thread-safe. ``now`` is monotonic seconds throughout.
    """

    def __init__(self, settings: CanarySettings, kinds: frozenset[Kind]) -> None:
        self._settings, self._kinds, self._random = settings, kinds, random.Random(settings.seed)
        self._writable_for = max(2.0, 15 / settings.rate)
        self._panel = max(3, round(settings.rate / 5))
        self._records: dict[str, _Record] = {}
        self._young: dict[str, None] = {}
        self._readable: list[str] = []
        self._busy: set[str] = set()
        self._retired: set[str] = set()
        self._suspects: dict[str, int] = {}
        self._failing: dict[Kind, None] = {}
        self._slots: deque[str] = deque()
        self._rotation = deque(f for f in _WRITES if f in kinds)
        self._reads = 0

    def next(self, now: float) -> Errand:
        """The errand of the slot that is due now."""
        if not self._slots:
            self._slots.extend(self._block())
        slot = self._slots.popleft()
        errand = self._read(now) if slot == "read" else self._write(now) if slot == "write" else Errand(Kind.PROBE)
        if errand.key:
            self._busy.add(errand.key)
        return errand

    def note(self, errand: Errand, res: Res, seen: int | None, now: float) -> None:
        """Take down what came of an errand."""
        self._busy.discard(errand.key)
        if errand.f is Kind.READ:
            if res is Res.OK:
                self._note_sight(errand, seen)
        elif errand.f in WRITES:
            self._failing.pop(errand.f, None)
            if res is not Res.OK:
                self._failing[errand.f] = None
            self._note_write(errand, res, seen, now)

    def _block(self) -> list[str]:
        offered = {"write": bool(self._rotation), "read": Kind.READ in self._kinds, "probe": Kind.PROBE in self._kinds}
        block = [slot for slot, share in _SHARES.items() if offered[slot] for _ in range(share)]
        self._random.shuffle(block)
        return block

    def _write(self, now: float) -> Errand:
        f = next(iter(self._failing), None)
        if f is None:
            f = self._rotation[0]
            self._rotation.rotate(-1)
        else:
            self._failing.pop(f)
            self._failing[f] = None
        key = None if f is Kind.INSERT else self._writable(now)
        if key is None:
            return self._insert(now) if Kind.INSERT in self._kinds else Errand(Kind.PROBE)
        return self._version(f, key)

    def _insert(self, now: float) -> Errand:
        key = self._settings.key(len(self._records) + 1)
        self._records[key] = _Record(born=now)
        return self._version(Kind.INSERT, key)

    def _version(self, f: Kind, key: str) -> Errand:
        record = self._records[key]
        record.attempted += 1
        return Errand(f, key, record.attempted)

    def _writable(self, now: float) -> str | None:
        for key in [key for key in self._young if now - self._records[key].born > self._writable_for]:
            del self._young[key]
        free = (key for key in reversed(self._young) if key not in self._busy and key not in self._suspects)
        return next(free, None)

    def _read(self, now: float) -> Errand:
        self._reads += 1
        key = (self._suspect() if self._reads % 3 else None) or self._anyone()
        if key is None:
            return Errand(Kind.PROBE) if Kind.PROBE in self._kinds else self._insert(now)
        return Errand(Kind.READ, key, self._records[key].shown)

    def _suspect(self) -> str | None:
        key = next((key for key in self._suspects if key not in self._busy), None)
        if key is not None:
            self._suspects[key] = self._suspects.pop(key)
        return key

    def _anyone(self) -> str | None:
        for _ in range(8):
            if not self._readable:
                return None
            at = self._random.randrange(len(self._readable))
            key = self._readable[at]
            if key in self._retired:
                self._readable[at] = self._readable[-1]
                self._readable.pop()
            elif key not in self._busy:
                return key
        return None

    def _note_sight(self, errand: Errand, seen: int | None) -> None:
        well = seen is not None and (seen == ABSENT if errand.ver == ABSENT else seen >= errand.ver)
        if well:
            self._suspects.pop(errand.key, None)
        else:
            self._suspect_now(errand.key)

    def _suspect_now(self, key: str) -> None:
        if key not in self._suspects and len(self._suspects) >= self._panel:
            youngest = max(self._suspects, key=lambda other: self._records[other].born)
            if self._suspects[youngest] < _CHRONIC:
                return
            del self._suspects[youngest]
        self._suspects[key] = self._suspects.get(key, 0) + 1

    def _note_write(self, errand: Errand, res: Res, seen: int | None, now: float) -> None:
        key, record = errand.key, self._records[errand.key]
        if res is Res.INFO:
            self._retired.add(key)
            self._young.pop(key, None)
            self._suspects.pop(key, None)
        elif res is Res.OK:
            if not record.acknowledged:
                self._readable.append(key)
            record.acknowledged = errand.ver
            record.shown = ABSENT if errand.f is Kind.DELETE else errand.ver
            self._young.pop(key, None)
            if errand.f is not Kind.DELETE and now - record.born <= self._writable_for:
                self._young[key] = None
        elif seen == ABSENT:
            self._young.pop(key, None)
            self._suspect_now(key)
