"""Is the instrument fit to judge? A canary that left late, fell silent or died proves neither recovery nor failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from drillbook.events import Json
from drillbook.measure.history import CLOUD_FAULT, WRITES, History, Op, Res
from drillbook.measure.latency import percentile
from drillbook.measure.run import Run
from drillbook.measure.sight import Sighting
from drillbook.units import duration_text

LATE_SHARE = 0.01
"""More operations than this falsified by the canary's own delay, and more than one: then the machine was too busy to
measure on."""
UNSTEADY_SHARE = 0.05
"""More bad operations than this in the last W before the fault, and the service was not well to begin with."""


@dataclass(frozen=True)
class Health:
    """``late``: the share of operations that the canary delayed by more than the run allows, or made slow by its delay
    alone. Seconds elsewhere."""

    problems: tuple[str, ...]
    ops: int
    late: float
    late_p99: float
    widest_gap: float
    blind: float
    """Seconds between the last operation and the end of the drill."""

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Json]:
        return {"ok": self.ok, **asdict(self), "problems": list(self.problems)}


def health(history: History, seen: Sequence[Sighting], run: Run) -> Health:
    """Why the canary's word cannot be taken, if so, in sentences."""
    ops = [each.op for each in seen if each.op.sent <= run.end]
    if not ops:
        return Health(("the canary sent nothing",), 0, 0.0, 0.0, 0.0, run.end - run.reference.lo)
    late = sum(_is_late(op, run) for op in ops)
    widest = max((after.sent - before.sent for before, after in pairwise(ops)), default=0.0)
    blind = max(0.0, run.end - ops[-1].sent)
    problems = [
        *_cloud_faults(ops),
        *_stopped(history, blind, run),
        *_late(late, len(ops), widest, run),
        *_baseline(seen, ops, run),
    ]
    return Health(tuple(problems), len(ops), late / len(ops), percentile([op.delay for op in ops], 0.99), widest, blind)


def _stopped(history: History, blind: float, run: Run) -> Iterator[str]:
    if blind > run.max_gap:
        yield (
            f"the canary stopped before the drill ended: its last operation left {duration_text(blind)} before "
            "the end, and what happened after it was not seen"
        )
    if history.torn:
        yield "the canary was killed while it wrote: the last line of its history is cut short"


def _cloud_faults(ops: Sequence[Op]) -> Iterator[str]:
    if struck := [op for op in ops if op.status.endswith(CLOUD_FAULT)]:
        yield f"{CLOUD_FAULT} in {len(struck)} of {len(ops)} operations: what they met is not the service's doing"


def _is_late(op: Op, run: Run) -> bool:
    """Delayed for too long, or slow for no other reason than its delay: that is not the service's doing."""
    is_slow_for_it = op.latency - op.delay <= run.slow < op.latency
    return op.delay > (run.punctual if is_slow_for_it else run.max_late)


def _late(late: int, ops: int, widest: float, run: Run) -> Iterator[str]:
    if late > max(1, LATE_SHARE * ops):
        yield (
            f"the canary delayed {late / ops:.1%} of its operations by more than {duration_text(run.max_late)}, "
            "or until they were slow: the machine was too busy to measure on"
        )
    if widest > run.max_gap:
        yield f"the canary fell silent for {duration_text(widest)} (allowed: {duration_text(run.max_gap)})"


def _baseline(seen: Sequence[Sighting], ops: Sequence[Op], run: Run) -> Iterator[str]:
    wanted = max(3, round(run.rate * min(1.0, run.hold)))
    if run.fault is None:
        if len(ops) < wanted:
            yield f"the canary sent {len(ops)} operations, at least {wanted} are needed"
        return
    before = [each for each in seen if each.op.done <= run.fault.lo]
    if len(before) < wanted:
        yield f"there is no baseline: {len(before)} operations had ended before the fault, at least {wanted} are needed"
        return
    recent = [each for each in before if each.op.sent >= run.fault.lo - run.hold] or before
    bad = sum(each.bad for each in recent)
    if bad > UNSTEADY_SHARE * len(recent):
        yield (
            f"the service was not well before the fault: {bad} of the last {len(recent)} operations were bad "
            f"(the last one: {next(each.op.status for each in reversed(recent) if each.bad)})"
        )
    writes = [op for op in ops if op.f in WRITES]
    if writes and not any(op.res is Res.OK and op.done <= run.fault.lo for op in writes):
        yield "no write was acknowledged before the fault, so a loss could not be seen"
