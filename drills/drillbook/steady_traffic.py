"""Is what clients see as the steady state promises?"""

from __future__ import annotations

from drillbook.measure.traffic import Traffic
from drillbook.steady_promise import SteadyPromise, share_text
from drillbook.units import duration_text


def unmet(promise: SteadyPromise, seen: Traffic) -> str:
    """Which of the tolerances for requests ``seen`` is outside of, or nothing."""
    values = measured(seen)
    missed = {
        "availability": promise.well is not None and seen.availability < promise.well,
        "p95": promise.p95 is not None and seen.p95 > promise.p95,
        "errors": promise.errors is not None and seen.error_rate > promise.errors,
    }
    return "; ".join(values[name] for name, is_missed in missed.items() if is_missed)


def measured(seen: Traffic) -> dict[str, str]:
    """What was seen, by the names of the tolerances, in words."""
    return {
        "availability": f"{share_text(seen.availability)} of {seen.requests} requests were answered well",
        "p95": f"95 % of answers came within {duration_text(seen.p95)}",
        "errors": f"{share_text(seen.error_rate)} of {seen.requests} requests ended in an error",
    }
