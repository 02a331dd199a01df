"""How long each phase of the recovery took, from the drill's instants and the measured restoration."""

from __future__ import annotations

from drillbook.measure.rto import Rto
from drillbook.measure.run import Run


def phases(run: Run, measured: Rto | None) -> dict[str, float | None]:
    """Seconds; None where an instant is missing.

    detect: fault confirmed → detected · decide: detected → declared · mobilise: declared → first step · execute: first
    step → last · propagate: last step → service restored (0 if it was back before) · verify: W. Beside these: ttd,
    first bad operation → detected; outage_from_declaration, declared → restored, never instead of the RTO. Nothing
    where no fault struck.
    """
    if measured is None:
        return {}
    restored = measured.restored.hi if measured.restored else None
    propagated = _between(run.exec1, restored)
    return {
        "detect": _between(run.reference.hi, run.detect),
        "decide": _between(run.detect, run.declare),
        "mobilise": _between(run.declare, run.exec0),
        "execute": _between(run.exec0, run.exec1),
        "propagate": None if propagated is None else max(0.0, propagated),
        "verify": run.hold if measured.verified is not None else None,
        "ttd": _between(measured.impact, run.detect),
        "outage_from_declaration": _between(run.declare, restored),
    }


def _between(start: float | None, stop: float | None) -> float | None:
    return None if start is None or stop is None else stop - start
