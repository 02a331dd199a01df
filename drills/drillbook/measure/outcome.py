"""Each objective against what was measured: the verdict, and the sentence that says why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from drillbook.events import Json
from drillbook.measure.cutover import CutOver
from drillbook.measure.health import Health
from drillbook.measure.history import Op
from drillbook.measure.latency import ENOUGH, p95_after
from drillbook.measure.loss import Losses
from drillbook.measure.rto import Rto, State
from drillbook.measure.run import Run, interval_json
from drillbook.measure.sight import Sighting
from drillbook.objective import Interval, Objective, ObjectiveKind, Verdict
from drillbook.units import duration_text


@dataclass(frozen=True)
class Outcome:
    """One objective, what was measured, and what follows."""

    objective: Objective
    measured: Interval
    verdict: Verdict
    cause: str

    def as_json(self) -> dict[str, Json]:
        return {
            **self.objective.as_json(),
            "measured": interval_json(self.measured),
            "verdict": self.verdict,
            "cause": self.cause,
        }


@dataclass(frozen=True)
class Measured:
    """All that was measured in one drill. ``rto`` is None where no fault struck, ``cut`` where no cut-over was made."""

    run: Run
    seen: Sequence[Sighting]
    losses: Losses
    health: Health
    rto: Rto | None
    cut: CutOver | None


_Finding = tuple[Interval, Verdict, str]
"""What was measured, the verdict, and why."""
_UNMEASURED = Interval(0.0, math.inf)


def outcome(objective: Objective, found: Measured) -> Outcome:
    """Judge one objective. A number from an unfit instrument is INVALID, one that was not measured is not met."""
    interval, verdict, cause = _JUDGES[objective.kind](objective, found)
    if not found.health.ok:
        verdict = Verdict.INVALID
    return Outcome(objective, interval, verdict, f"{_promise(objective)}: {cause}")


def _promise(objective: Objective) -> str:
    limit = duration_text(objective.limit) if objective.kind.unit == "s" else f"{objective.limit:g}"
    return f"{objective.kind} of at most {limit}"


# -- the fault's own ---------------------------------------------------------------------------------------------------


def _rto(objective: Objective, found: Measured) -> _Finding:
    measured = found.rto
    if measured is None:
        return _UNMEASURED, Verdict.FAIL, "no fault struck, so there was nothing to recover from"
    unseen = measured.state is State.UNOBSERVED
    verdict = Verdict.INCONCLUSIVE if unseen else objective.judge(measured.interval)
    return measured.interval, verdict, _rto_cause(measured)


def _rto_cause(measured: Rto) -> str:
    lo, hi = measured.interval.lo, measured.interval.hi
    if measured.state is State.RECOVERED:
        return f"service restored {_span(measured.interval)} after the fault"
    if measured.state is State.NO_IMPACT:
        return f"no impact was seen; an outage, if any, was shorter than {duration_text(hi)}"
    if measured.state is State.UNOBSERVED:
        return f"{measured.why}, so nothing shows when or whether a recovery took effect"
    last = f"; the last bad operation was {_op_text(measured.last_bad)}" if measured.last_bad else ""
    return f"not recovered after {duration_text(lo)}: {measured.why}{last}"


def _op_text(op: Op) -> str:
    what = f"{op.f} of {op.key}" if op.key else str(op.f)
    if op.stale:
        shown = "nothing" if op.seen == 0 else f"version {op.seen}" if op.seen and op.seen > 0 else "a foreign record"
        wanted = f"version {op.ver}" if op.ver else "its deletion"
        return f"{what} → {op.status}, showing {shown} where {wanted} was acknowledged"
    return f"{what} → {op.status or op.res}"


def _rpo(objective: Objective, found: Measured) -> _Finding:
    lost = found.losses
    if found.rto is None:
        return _UNMEASURED, Verdict.FAIL, "no fault struck, so there is no recovery point"
    if lost.rpo.censored and lost.rpo.lo <= objective.limit:
        # The recovery point is older than what the canary wrote; by how much, it cannot say.
        return lost.rpo, Verdict.INCONCLUSIVE, _rpo_cause(lost)
    return lost.rpo, _unless_unreadable(objective.judge(lost.rpo), lost), _rpo_cause(lost)


def _rpo_cause(found: Losses) -> str:
    if not found.attempted:
        return "the canary wrote nothing, so data loss was not measured"
    if found.unreadable:
        return f"{found.unreadable} acknowledged writes could not be read after recovery; {_lost_text(found)}"
    if found.rpo.censored and found.lost:
        return f"{_lost_text(found)}; nothing written before it is left, so the recovery point may be older still"
    if found.rpo.censored:
        return "no record written before the fault is there to show how recent the recovery point is"
    holes = f"; {found.holes} later ones survived, so the loss is partial" if found.holes else ""
    return f"{_lost_text(found)}{holes} (recovery point {_span(found.rpo)} before the fault)"


def _lost_text(found: Losses) -> str:
    if not found.lost:
        return f"none of {found.acked} acknowledged writes was lost"
    if not found.lost_before:
        return f"none of the writes acknowledged before the fault was lost, {len(found.lost)} later ones were"
    oldest = f"the oldest was acknowledged {duration_text(found.rpo.lo)} before the fault"
    more = f", and {found.lost_striking} more as it struck" if found.lost_striking else ""
    return f"lost {found.lost_before} of {found.acked} acknowledged writes; {oldest}{more}"


def _during(objective: Objective, found: Measured) -> _Finding:
    lost = found.losses
    verdict = _unless_unreadable(objective.judge(lost.during), lost)
    if not lost.lost_during:
        return lost.during, verdict, "no write acknowledged during the outage was lost"
    latest = f"the latest was acknowledged {_span(lost.during)} after the fault"
    count = len(lost.lost_during)
    writes = "1 write" if count == 1 else f"{count} writes"
    when = "as the fault struck" if lost.lost_striking == count else "during the outage"
    return lost.during, verdict, f"lost {writes} acknowledged {when}; {latest}"


def _unless_unreadable(verdict: Verdict, found: Losses) -> Verdict:
    return Verdict.INCONCLUSIVE if verdict is Verdict.PASS and found.unreadable else verdict


# -- of any drill ------------------------------------------------------------------------------------------------------


def _lost(objective: Objective, found: Measured) -> _Finding:
    lost = found.losses.lost_from(-math.inf)
    return lost, _if_any(found.losses.acked, objective.judge(lost)), _count_text(lost, found.losses.acked)


def _latency(objective: Objective, found: Measured) -> _Finding:
    since = _restored(found)
    until = found.run.end if found.run.cut0 is None else found.run.cut0
    if since is None:
        return _UNMEASURED, Verdict.FAIL, "the service was not seen to recover"
    measured = p95_after(found.seen, since, until)
    if measured is None:
        return _UNMEASURED, Verdict.INCONCLUSIVE, f"fewer than {ENOUGH} requests were made after the recovery"
    said = "some got no answer at all" if measured.censored else f"it was {duration_text(measured.hi)}"
    return measured, objective.judge(measured), said


def _restored(found: Measured) -> float | None:
    """From when on the service is taken to be well: always where no fault struck; None if never again."""
    if found.rto is None:
        return -math.inf
    if found.rto.state is State.NO_IMPACT:
        return found.run.reference.lo + found.rto.interval.hi
    return found.rto.restored.hi if found.rto.restored else None


# -- the cut-over's ----------------------------------------------------------------------------------------------------


def _interruption(objective: Objective, found: Measured) -> _Finding:
    cut = found.cut
    if cut is None:
        return _UNMEASURED, Verdict.FAIL, "the planned cut-over was not made"
    if cut.interruption.censored:
        return cut.interruption, Verdict.FAIL, "the service was not back when the drill ended"
    if cut.watched < found.run.hold:
        seconds = duration_text(found.run.hold)
        return cut.interruption, Verdict.INCONCLUSIVE, f"the service was not watched for {seconds} after the cut-over"
    if not cut.windows:
        longest = duration_text(cut.interruption.hi)
        said = f"no interruption was seen; one that nobody met was shorter than {longest}"
    else:
        said = f"clients were kept from the service for {_span(cut.interruption)} in {len(cut.windows)} window(s)"
    return cut.interruption, objective.judge(cut.interruption), said


def _lost_between(objective: Objective, found: Measured) -> _Finding:
    cut = found.cut
    if cut is None:
        return _UNMEASURED, Verdict.FAIL, "the planned cut-over was not made"
    return cut.lost, _if_any(cut.acknowledged, objective.judge(cut.lost)), _count_text(cut.lost, cut.acknowledged)


def _if_any(acknowledged: int, verdict: Verdict) -> Verdict:
    return verdict if acknowledged else Verdict.INCONCLUSIVE


def _count_text(lost: Interval, acknowledged: int) -> str:
    if not acknowledged:
        return "no write was acknowledged, so a loss could not be seen"
    unread = f"; {lost.width:g} more could not be read" if lost.width else ""
    return f"lost {lost.lo:g} of {acknowledged} acknowledged writes{unread}"


def _span(interval: Interval) -> str:
    return f"{duration_text(interval.lo)} to {duration_text(interval.hi)}"


_Judge = Callable[[Objective, Measured], _Finding]
_JUDGES: Mapping[ObjectiveKind, _Judge] = {
    ObjectiveKind.RTO: _rto,
    ObjectiveKind.RPO: _rpo,
    ObjectiveKind.LOSS_DURING: _during,
    ObjectiveKind.LOST: _lost,
    ObjectiveKind.LATENCY: _latency,
    ObjectiveKind.INTERRUPTION: _interruption,
    ObjectiveKind.LOST_BETWEEN: _lost_between,
}
