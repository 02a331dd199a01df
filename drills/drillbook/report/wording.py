"""Numbers, verdicts and labels as readers of a report see them."""

from __future__ import annotations

from collections.abc import Iterable

from drillbook.events import Json
from drillbook.objective import Basis, Verdict
from drillbook.units import duration_text

SIGNS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.INVALID: "!",
    Verdict.NOT_SIMULATED: "–",
}
"""A verdict is never told by colour alone."""

MEANINGS = {
    Verdict.PASS: "Every objective was shown to be met.",
    Verdict.FAIL: "An objective was missed or a check failed.",
    Verdict.INCONCLUSIVE: "The measured range straddles an objective: nothing is shown either way.",
    Verdict.INVALID: "The instrument or the drill itself is broken: nothing is said about the service.",
    Verdict.NOT_SIMULATED: "This target cannot truly do what the drill needs: nothing was tested.",
}

BASES = {
    Basis.MEASURED_AWS: "Measured on AWS.",
    Basis.MEASURED_LOCALSTACK: "Measured on LocalStack: this validates the plan; it is not an actual RTO.",
    Basis.MEASURED_LOCAL: "Measured on a local service: real for that service, but not a cloud's RTO.",
    Basis.EMULATED: "Emulated: this validates the plan; it is not an actual RTO.",
    Basis.PROJECTED: "Projected from recorded steps and assumed durations: it is not an actual RTO.",
}

LOSSES = {
    "lost": ("created, then gone", "acknowledged inserts whose record is no longer there"),
    "stale": ("updated, then undone", "acknowledged updates of which an older version is back"),
    "resurrected": ("deleted, then back", "acknowledged deletes whose record is there again"),
    "recovered": ("unknown, then present", "writes without an answer that turned out to have worked; no loss"),
    "phantom": ("refused, yet present", "writes the service refused whose effect is there all the same"),
    "duplicated": ("present more than once", "records that exist several times"),
    "unexpected": ("never written", "records or versions the canary never wrote"),
    "unreadable": ("could not be read", "records that could not be read afterwards: neither kept nor lost"),
}
"""The judge's labels: in short, and explained."""

PHASES = {
    "detect": "Detect",
    "decide": "Decide",
    "mobilise": "Mobilise",
    "execute": "Execute",
    "propagate": "Propagate",
    "verify": "Verify",
    "ttd": "First bad answer to detection",
    "outage_from_declaration": "Declaration to restoration",
}
"""The judge's phases; the last two overlap the others."""


def verdict_sign(verdict: str) -> str:
    return SIGNS.get(Verdict(verdict), "?") if verdict in set(Verdict) else "?"


def verdict_slug(verdict: str) -> str:
    """The verdict as a CSS class: ``pass``, ``not-simulated``."""
    return verdict.lower().replace(" ", "-") if verdict in set(Verdict) else "unknown"


def basis_sentence(basis: str) -> str:
    return BASES[Basis(basis)] if basis in set(Basis) else f"Basis: {basis or 'unknown'}."


def is_actual(basis: str) -> bool:
    """Whether a number of this basis may be called an actual RTO of the cloud service."""
    return basis == Basis.MEASURED_AWS


def seconds_text(value: float | None) -> str:
    """A duration, or an infinite one (None)."""
    if value is None:
        return "unknown"
    return duration_text(value) if value else "0 s"


def is_measured(interval: Json) -> bool:
    """Does it tell anything? An interval from nothing to no end does not."""
    return (
        bool(interval) and interval.get("lo") is not None and not (interval["lo"] == 0 and interval.get("hi") is None)
    )


def interval_text(interval: Json) -> str:
    """``12.31–12.36 s``, ``3 min 2 s – 4 min``, ``> 30 min`` when censored, ``not measured`` of nothing to no end."""
    if not is_measured(interval):
        return "not measured"
    low, high = interval["lo"], interval.get("hi")
    if high is None:
        return f"> {_bound(low, low)}"
    if low == high:
        return _bound(low, high)
    return f"{_bound(low, high, unit=high >= 60)}{' – ' if high >= 60 else '–'}{_bound(high, high)}"


def _bound(value: float, scale: float, *, unit: bool = True) -> str:
    if scale >= 60:
        return duration_text(value) if value else "0 s"
    if scale >= 1:
        return f"{value:.2f}" + " s" * unit
    return f"{value * 1000:.0f}" + " ms" * unit


def measured_text(interval: Json, unit: str = "s") -> str:
    """An interval of seconds as ``interval_text``, one of writes as ``3 writes`` or ``3 to 5 writes``."""
    if unit == "s" or not is_measured(interval):
        return interval_text(interval)
    noun = "write" if interval["lo"] == interval.get("hi") == 1 else "writes"
    return f"{amount_text(interval, unit)} {noun}"


def amount_text(interval: Json, unit: str = "s") -> str:
    """As ``measured_text``, without the word after a name that says it already: ``3``, ``3 to 5``, ``at least 3``."""
    if unit == "s" or not is_measured(interval):
        return interval_text(interval)
    low, high = interval["lo"], interval.get("hi")
    if high is None:
        return f"at least {int(low):,}"
    return f"{int(low):,}" if low == high else f"{int(low):,} to {int(high):,}"


def limit_text(limit: float, unit: str = "s") -> str:
    """What an objective allows: ``20 min``, ``no write``, ``3 writes``."""
    if unit == "s":
        return seconds_text(limit)
    return count_text(int(limit), "write") if limit else "no write"


def offset_text(seconds: float) -> str:
    """A moment told from the fault: ``+12.3 s``, ``−4 s``, ``0 s``."""
    sign = "−" if seconds < 0 else "+"
    size = abs(seconds)
    return "0 s" if size < 0.0005 else f"{sign}{duration_text(size)}"


def count_text(number: int, singular: str, plural: str = "") -> str:
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def objective_text(objective: Json) -> str:
    return "no objective" if objective is None else f"at most {duration_text(float(objective)) or '0 s'}"


def tally(verdicts: Iterable[str]) -> str:
    """``2 PASS, 1 FAIL`` in order of severity."""
    counted = list(verdicts)
    return ", ".join(f"{counted.count(verdict)} {verdict}" for verdict in Verdict if verdict in counted) or "no drills"
