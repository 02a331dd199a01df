"""When was the service back? An interval that must contain the truth, from what the canary saw.

The service is back once every kind of operation that went badly since the fault has gone well again, as have the
records that were read badly, and nothing has gone badly for the hold time W. Order is by ``sent``, when the service
was looked at. The truth then lies between the last bad operation's ``sent`` (it was still down, since that operation
met the outage later than it was sent) and the ``done`` of the operations that prove recovery (it was up at some time
before each of these was answered).

A proof must have been sent when every bad operation of its sort was over: of two operations under way at once, the one
sent later may have arrived earlier, before an outage began. The sorts are operations that went badly, and records that
were read badly: a record that came back stays a proof of that although answers were late for a while longer. An
operation that got no answer is over, for this purpose, ``slow`` seconds after it was sent: requests are assumed to
arrive within the latency that the service's customers accept.

All instants are monotonic seconds; ``Rto.interval`` is seconds after the fault.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from drillbook.measure.history import Kind, Op, Res
from drillbook.measure.run import Run
from drillbook.measure.sight import Sight, Sighting
from drillbook.objective import Interval


class State(StrEnum):
    RECOVERED = "recovered"
    NO_IMPACT = "no-impact"
    """Nothing bad was seen after the fault: the outage, if any, was shorter than the upper bound."""
    NOT_RECOVERED = "not-recovered"
    """The drill stopped looking before the service was back and had stayed so for W: censored."""
    UNOBSERVED = "unobserved"
    """Only records that are lost for good were bad: nothing shows that, or when, a recovery took effect."""


@dataclass(frozen=True)
class Rto:
    state: State
    interval: Interval
    impact: float | None = None
    """When the first bad operation was sent, or the fault began if it was under way then."""
    restored: Interval | None = None
    """The instant of restoration."""
    verified: float | None = None
    """When W had passed."""
    last_bad: Op | None = None
    why: str = ""
    """What was missing, where the state is not RECOVERED or NO_IMPACT."""


def rto(seen: Sequence[Sighting], run: Run, lost: int = 0) -> Rto:
    """``seen`` in order of ``sent``; only what was sent until ``run.end`` counts. ``lost``: effects lost for good."""
    seen = [each for each in seen if each.op.sent <= run.end]
    bad = [each for each in seen if each.bad and (each.op.sent >= run.reference.lo or each.op.done > run.reference.lo)]
    if not bad:
        return _without_bad(seen, run, lost)
    last = bad[-1].op
    impact = max(run.reference.lo, bad[0].op.sent)
    lowest = max(0.0, last.sent - run.reference.hi)
    over = _over(bad, run)
    held = _held(seen, over, run)
    if isinstance(held, str):
        return Rto(State.NOT_RECOVERED, Interval(lowest, math.inf), impact, last_bad=last, why=held)
    proof = _proof(seen, bad, held, run)
    if isinstance(proof, str):
        return Rto(State.NOT_RECOVERED, Interval(lowest, math.inf), impact, last_bad=last, why=proof)
    restored = Interval(last.sent, proof)
    interval = Interval(lowest, proof - run.reference.lo)
    return Rto(State.RECOVERED, interval, impact, restored, held + run.hold, last)


def _without_bad(seen: Sequence[Sighting], run: Run, lost: int) -> Rto:
    if lost or any(each.sight is Sight.MUTE and each.op.sent >= run.reference.lo for each in seen):
        why = "nothing was bad after the fault but for the records that are lost for good"
        return Rto(State.UNOBSERVED, Interval(0.0, math.inf), why=why)
    held = _held(seen, run.reference.hi, run)
    if isinstance(held, str):
        return Rto(State.NOT_RECOVERED, Interval(0.0, math.inf), why=held)
    known = {each.op.f for each in seen if each.good}
    first = {f: _first_good(seen, held, f) for f in known}
    proof = max(op.done for op in first.values() if op)
    return Rto(State.NO_IMPACT, Interval(0.0, proof - run.reference.lo), verified=held + run.hold)


def _held(seen: Sequence[Sighting], since: float, run: Run) -> float | str:
    """When the first good operation left after which W was fully observed; else what was missing.

    Nothing bad is sent after ``since``; what can still be wanting is time, operations, and a canary that kept going.
    """
    sent = [each.op.sent for each in seen]
    why = "no operation has gone well since"
    for start in (each.op.sent for each in seen if each.good and each.op.sent >= since):
        if start + run.hold > run.end:
            return f"it had not stayed good for {run.hold:g} s" if why.startswith("no operation") else why
        window = sent[bisect_left(sent, start) : bisect_right(sent, start + run.hold)]
        instants = [*window, start + run.hold]
        if max(b - a for a, b in pairwise(instants)) > run.max_gap:
            why = "the canary fell silent in the hold time"
        elif len(window) < run.enough:
            why = f"only {len(window)} operations were seen in the hold time"
        else:
            return start
    return why


def _over(bad: Sequence[Sighting], run: Run) -> float:
    """When the last of these had been answered, or would have been in time."""
    return max(run.reference.hi, *(min(each.op.done, each.op.sent + run.slow) for each in bad))


def _proof(seen: Sequence[Sighting], bad: Sequence[Sighting], since: float, run: Run) -> float | str:
    """When the last of the operations that must go well again had done so; else which one has not."""
    # A late answer about a record that is lost for good was bad for being late: the record itself will not come back.
    misread = [each for each in bad if each.op.stale and not each.lost]
    proofs = []
    for f in {each.op.f for each in bad if not each.op.stale or each.lost}:
        first = _first_answered(seen, since, f)
        if first is None:
            return f"no {f} has gone well since"
        proofs.append(first.done)
    if not misread:
        return max(proofs)
    suspects = {each.op.key: each.op for each in misread}
    back = _over(misread, run)
    well = [(op, last) for key, last in suspects.items() if (op := _first_shown(seen, back, key))]
    if not well:
        return "no record that was read badly has been read well since"
    # The canary keeps an eye on some of the suspects. One that it met again by chance, long after, dates nothing.
    dated = [op.done for op, last in well if op.sent - last.sent <= run.revisit]
    return max([*proofs, *(dated or [min(op.done for op, _ in well)])])


def _first_answered(seen: Sequence[Sighting], since: float, f: Kind) -> Op | None:
    """Of a kind that was refused, unanswered or slow: a record that is lost for good proves that reading works."""
    for each in seen:
        if each.op.sent >= since and each.op.f is f and (each.good or (not each.bad and each.op.res is Res.OK)):
            return each.op
    return None


def _first_shown(seen: Sequence[Sighting], since: float, key: str) -> Op | None:
    """Of a record that was read badly: as it should be, or what is left of it where something is lost for good."""
    for each in seen:
        if each.op.f is Kind.READ and each.op.key == key and each.op.sent >= since and _is_back(each):
            return each.op
    return None


def _is_back(each: Sighting) -> bool:
    """A late answer that shows the record proves as much: that answers come in time is for the kinds to prove."""
    return each.op.res is Res.OK and (not each.op.stale or (each.lost and not each.bad))


def _first_good(seen: Sequence[Sighting], since: float, f: Kind) -> Op | None:
    for each in seen:
        if each.good and each.op.sent >= since and each.op.f is f:
            return each.op
    return None
