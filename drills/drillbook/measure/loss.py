"""What acknowledged data did not survive, and how far back the recovery point lies.

An insert, update or delete of a key is one *effect*, a version 1..n of that key. The effect (key, v) survives if the
final state shows version v or a later one; where the key is absent, if v is not later than the last delete that may
have run. One rule gives three labels: *lost* (an insert or update of which nothing is left), *stale* (an older version
is back) and *resurrected* (a delete was undone).

RPO actual is the age, at the fault, of the recovery point: the latest instant P such that every effect acknowledged at
or before P survives. Not the newest survivor: one lucky late write would make a restore from yesterday look fresh. Its
upper bound therefore leans on a *witness*: an effect that the final state really shows, acknowledged before anything
that was lost or may have been. An absent record is no witness (it is absent before its insert, too), nor is a version
that was written over after the fault (its loss would have been painted over).

Instants are monotonic seconds; intervals are seconds before the fault, or after it for ``loss_during``.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from drillbook.measure.final import Final
from drillbook.measure.history import ABSENT, FOREIGN, WRITES, Kind, Op, Res
from drillbook.objective import Interval


class Label(StrEnum):
    LOST = "lost"
    STALE = "stale"
    RESURRECTED = "resurrected"
    RECOVERED = "recovered"
    """The outcome was unknown; it took effect."""
    PHANTOM = "phantom"
    """It was refused, yet took effect."""
    DUPLICATED = "duplicated"
    UNEXPECTED = "unexpected"
    """Nobody wrote this."""
    UNREADABLE = "unreadable"
    """The key could not be read after recovery, so nothing is known about its effects."""


INTEGRITY = (Label.PHANTOM, Label.DUPLICATED, Label.UNEXPECTED)
"""Labels that are wrong whatever the objectives allow to be lost."""


@dataclass(frozen=True)
class Finding:
    """``acked``: when the effect was acknowledged, or None. ``shown``: what the final state shows for the key."""

    label: Label
    key: str
    ver: int
    acked: float | None
    shown: int | None


class Fate(StrEnum):
    WITNESS = "survived, and the final state shows it"
    SURVIVED = "survived, as far as an absent key can tell"
    MASKED = "may have been lost and written over"
    LOST = "lost"
    UNKNOWN = "unreadable"


@dataclass(frozen=True)
class Losses:
    """The fate of every acknowledged effect, and what follows."""

    attempted: int
    acked: int
    lost: tuple[Op, ...]
    """Oldest acknowledgement first."""
    lost_during: tuple[Op, ...]
    """Those of them that were acknowledged at or after the beginning of the fault."""
    lost_before: int
    """How many of them were acknowledged before it."""
    lost_striking: int
    """How many of ``lost_during`` were acknowledged while the fault was taking effect: before or during the outage,
    nobody knows. The interval of the RPO reaches so far that it covers them."""
    findings: tuple[Finding, ...]
    masked: int
    unknown: tuple[Op, ...]
    """Acknowledged effects on keys that could not be read."""
    rpo: Interval
    during: Interval
    """How far into the outage an acknowledged effect was lost; [0, 0] when none was."""
    holes: int
    """Effects acknowledged before the fault but after the oldest lost one, which survived: the loss is partial."""
    final: Final

    @property
    def unreadable(self) -> int:
        return len(self.unknown)

    @property
    def span(self) -> float:
        """Seconds from the oldest to the newest lost acknowledgement."""
        return self.lost[-1].done - self.lost[0].done if self.lost else 0.0

    @property
    def counts(self) -> Counter[Label]:
        return Counter(finding.label for finding in self.findings)

    def lost_from(self, since: float) -> Interval:
        """How many effects that were acknowledged at ``since`` or later are gone: at least, and at most."""
        gone = sum(op.done >= since for op in self.lost)
        return Interval(gone, gone + sum(op.done >= since for op in self.unknown))

    def during_until(self, until: float, fault: Interval) -> Losses:
        """The same, but that what was acknowledged at ``until`` or later is not of the outage."""
        during = tuple(op for op in self.lost_during if op.done < until)
        return replace(self, lost_during=during, lost_striking=_striking(during, fault), during=_during(during, fault))

    def written_off(self) -> Mapping[str, float]:
        """Keys with a lost effect, and when the oldest of these was acknowledged."""
        oldest: dict[str, float] = {}
        for op in self.lost:
            oldest.setdefault(op.key, op.done)
        return oldest


def losses(ops: Iterable[Op], final: Final, fault: Interval) -> Losses:
    """Judge every effect of ``ops`` by the ``final`` state. ``fault`` is an interval of instants."""
    writes = [op for op in ops if op.f in WRITES]
    fates: dict[Fate, list[Op]] = {fate: [] for fate in Fate}
    findings = list(_strangers(writes, final))
    for key, history in _by_key(writes).items():
        shown = final.keys.get(key)
        effective = _effective(history, shown)
        for op in history:
            if op.res is Res.OK:
                fates[_fate(op, history, shown, effective, fault)].append(op)
        findings += _findings(history, shown, effective)
    lost = tuple(sorted(fates[Fate.LOST], key=lambda op: op.done))
    during = tuple(op for op in lost if op.done >= fault.lo)
    return Losses(
        attempted=len(writes),
        acked=sum(op.res is Res.OK for op in writes),
        lost=lost,
        lost_during=during,
        lost_before=len(lost) - len(during),
        lost_striking=_striking(during, fault),
        findings=tuple(findings),
        masked=len(fates[Fate.MASKED]),
        unknown=tuple(fates[Fate.UNKNOWN]),
        rpo=_rpo(fates, fault),
        during=_during(during, fault),
        holes=sum(lost[0].done < op.done < fault.lo for op in fates[Fate.WITNESS]) if lost else 0,
        final=final,
    )


def _by_key(writes: Iterable[Op]) -> dict[str, list[Op]]:
    histories: dict[str, list[Op]] = defaultdict(list)
    for op in sorted(writes, key=lambda op: op.ver):
        histories[op.key].append(op)
    return histories


def _effective(history: Sequence[Op], shown: int | None) -> int | None:
    """The last version whose effect the final state includes; FOREIGN when it shows what nobody wrote."""
    if shown is None:
        return None
    if shown == ABSENT:
        return max((op.ver for op in history if op.f is Kind.DELETE and op.res is not Res.FAIL), default=0)
    return shown if any(op.ver == shown and op.f is not Kind.DELETE for op in history) else FOREIGN


def _fate(op: Op, history: Sequence[Op], shown: int | None, effective: int | None, fault: Interval) -> Fate:
    if effective is None:
        return Fate.UNKNOWN
    if effective < op.ver:
        return Fate.LOST
    if op.done < fault.hi and any(op.ver < later.ver <= effective and later.done > fault.lo for later in history):
        return Fate.MASKED
    return Fate.SURVIVED if shown == ABSENT else Fate.WITNESS


def _rpo(fates: Mapping[Fate, Sequence[Op]], fault: Interval) -> Interval:
    before = {fate: [op for op in ops if op.done < fault.hi] for fate, ops in fates.items()}
    lowest = max((fault.lo - op.done for op in before[Fate.LOST]), default=0.0)
    doubtful = [op.done for fate in (Fate.LOST, Fate.MASKED, Fate.UNKNOWN) for op in before[fate]]
    horizon = min(doubtful, default=fault.hi)
    witness = max((op.sent for op in before[Fate.WITNESS] if op.done <= horizon), default=-math.inf)
    return Interval(max(0.0, lowest), fault.hi - witness)


def _striking(during: Iterable[Op], fault: Interval) -> int:
    return sum(op.done < fault.hi for op in during)


def _during(lost: Sequence[Op], fault: Interval) -> Interval:
    if not lost:
        return Interval(0.0, 0.0)
    return Interval(max(0.0, lost[-1].done - fault.hi), lost[-1].done - fault.lo)


def _findings(history: Sequence[Op], shown: int | None, effective: int | None) -> Iterable[Finding]:
    for op in history:
        if label := _label(op, shown, effective):
            yield Finding(label, op.key, op.ver, op.done if op.res is Res.OK else None, shown)


def _label(op: Op, shown: int | None, effective: int | None) -> Label | None:
    if effective is None:
        return Label.UNREADABLE if op.res is Res.OK else None
    if op.res is Res.OK:
        return None if effective >= op.ver else _lost_label(op, shown)
    if effective != op.ver or op.f is Kind.DELETE:
        return None
    return Label.PHANTOM if op.res is Res.FAIL else Label.RECOVERED


def _lost_label(op: Op, shown: int | None) -> Label:
    if op.f is Kind.DELETE:
        return Label.RESURRECTED
    return Label.LOST if shown == ABSENT else Label.STALE


def _strangers(writes: Sequence[Op], final: Final) -> Iterable[Finding]:
    written = {(op.key, op.ver) for op in writes if op.f is not Kind.DELETE}
    attempted = {op.key for op in writes}
    for key, shown in final.keys.items():
        if key in attempted and shown not in (None, ABSENT) and (key, shown) not in written:
            yield Finding(Label.UNEXPECTED, key, shown, None, shown)
    for key, times in (final.listed or {}).items():
        if key not in final.keys:
            yield Finding(Label.UNEXPECTED, key, 0, None, None)
        if times > 1:
            yield Finding(Label.DUPLICATED, key, 0, None, None)
