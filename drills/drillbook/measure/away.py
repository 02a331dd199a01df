"""Records that were away while the service ran elsewhere, and came back when the fault was over.

What a lost region had acknowledged and not yet sent on is missing after a failover. It is not lost for good: when the
region returns, replication catches up, which takes its time. Until then the reads of such a record show less than was
acknowledged, whatever the recovery does: as with records lost for good, that cannot tell whether the service is back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from drillbook.measure.history import ABSENT, WRITES, Kind, Op, Res
from drillbook.measure.run import Run


def away(ops: Sequence[Op], run: Run) -> frozenset[int]:
    """The numbers (``Op.i``) of the reads that met such a record.

    Only where a plan recovered the service before the fault was over, only for what was acknowledged before that, and
    only if no read between the recovery and the end of the fault showed it.
    """
    if run.fault is None or run.exec1 is None or run.lifted is None or run.exec1 > run.lifted:
        return frozenset()
    acked = {(op.key, _shown_after(op)): op.done for op in ops if op.f in WRITES and op.res is Res.OK}
    since = [op for op in _reads(ops) if run.fault.lo <= op.sent]
    missing = (_missing(reads, acked, run.exec1, run.lifted) for reads in _by_key(since).values())
    return frozenset(op.i for reads in missing for op in reads)


def _shown_after(write: Op) -> int:
    """What a read expects once this write was acknowledged."""
    return ABSENT if write.f is Kind.DELETE else write.ver


def _missing(
    reads: Sequence[Op], acked: Mapping[tuple[str, int], float], recovered: float, lifted: float
) -> Iterable[Op]:
    """The reads of one key that miss what was acknowledged before the recovery, until it is shown again.

    None if it was shown before the fault was over. One that is not shown again was away until then.
    """
    shown = min((op.sent for op in reads if not op.stale and op.sent >= recovered), default=lifted)
    if shown < lifted:
        return ()
    return [op for op in reads if op.stale and op.sent < shown and acked.get((op.key, op.ver), recovered) < recovered]


def _reads(ops: Iterable[Op]) -> Iterable[Op]:
    return (op for op in ops if op.f is Kind.READ and op.res is Res.OK)


def _by_key(ops: Iterable[Op]) -> dict[str, list[Op]]:
    keys: dict[str, list[Op]] = defaultdict(list)
    for op in ops:
        keys[op.key].append(op)
    return keys
