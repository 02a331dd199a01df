"""When a metric alarm changes state: pure, from datapoints to a state and its reason.

Sources: "Alarm evaluation" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html) and
"Configuring how CloudWatch alarms treat missing data"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html): the alarm looks at more
periods than it needs; if it finds as many real datapoints as it needs it uses the latest of these, whatever is missing;
only otherwise does the treatment of missing data matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

EXTRA_PERIODS = 2
"""How many periods before those that it needs an alarm looks at. AWS's example: 5 for an alarm that needs 3."""

_COMPARE: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (lambda value, limit: value >= limit, "greater than or equal to"),
    "GreaterThanThreshold": (lambda value, limit: value > limit, "greater than"),
    "LessThanThreshold": (lambda value, limit: value < limit, "less than"),
    "LessThanOrEqualToThreshold": (lambda value, limit: value <= limit, "less than or equal to"),
}


class AlarmState(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Rule:
    """``needed`` is EvaluationPeriods, ``to_alarm`` is DatapointsToAlarm: to_alarm out of needed."""

    operator: str
    threshold: float
    needed: int
    to_alarm: int
    missing: str = "missing"
    """TreatMissingData: missing | ignore | breaching | notBreaching"""

    def breaches(self, value: float) -> bool:
        return _COMPARE[self.operator][0](value, self.threshold)


@dataclass(frozen=True)
class Finding:
    state: AlarmState
    reason: str
    used: tuple[float | None, ...]
    """The datapoints that decided, oldest first; None where one was missing."""


def evaluate(rule: Rule, datapoints: Sequence[float | None], now: AlarmState) -> Finding:
    """The state that follows from ``datapoints`` (one a period, oldest first, the evaluation range)."""
    real = [value for value in datapoints if value is not None]
    if len(real) >= rule.needed:
        used: tuple[float | None, ...] = tuple(real[-rule.needed :])
        return Finding(_counted(rule, used), _crossed(rule, used), used)
    used = tuple(datapoints[-rule.needed :])
    if rule.missing in ("breaching", "notBreaching"):
        return _filled(rule, real, used)
    if not real:
        if rule.missing == "ignore":
            return Finding(now, _unknown(rule), used)
        return Finding(AlarmState.INSUFFICIENT_DATA, _unknown(rule), used)
    if all(rule.breaches(value) for value in real):
        return Finding(_premature(rule, datapoints, now), _crossed(rule, tuple(real)), used)
    return Finding(_counted(rule, tuple(real)), _crossed(rule, tuple(real)), used)


def _filled(rule: Rule, real: Sequence[float], used: tuple[float | None, ...]) -> Finding:
    absent = rule.needed - len(real)
    breaching = sum(rule.breaches(value) for value in real) + (absent if rule.missing == "breaching" else 0)
    state = AlarmState.ALARM if breaching >= rule.to_alarm else AlarmState.OK
    treated = "Breaching" if rule.missing == "breaching" else "NonBreaching"
    reason = f"{absent} missing {_points(absent)} {_were(absent)} treated as [{treated}]."
    if not real:
        periods = "period" if rule.needed == 1 else "periods"
        return Finding(state, f"no datapoints were received for {rule.needed} {periods} and {reason}", used)
    return Finding(state, f"{_crossed(rule, tuple(real))} {reason}", used)


def _premature(rule: Rule, datapoints: Sequence[float | None], now: AlarmState) -> AlarmState:
    """Too few datapoints, and all of them breach."""
    found = sum(value is not None for value in datapoints)
    oldest = next(
        age for age, value in zip(range(len(datapoints), 0, -1), datapoints, strict=True) if value is not None
    )
    if found >= rule.to_alarm or (rule.missing == "missing" and oldest >= rule.to_alarm):
        return AlarmState.ALARM
    return now


def _counted(rule: Rule, used: Sequence[float | None]) -> AlarmState:
    breaching = sum(value is not None and rule.breaches(value) for value in used)
    return AlarmState.ALARM if breaching >= rule.to_alarm else AlarmState.OK


def _crossed(rule: Rule, used: Sequence[float | None]) -> str:
    breaching = sum(value is not None and rule.breaches(value) for value in used)
    shown = ", ".join(str(value) for value in reversed(used))
    alarming = breaching >= rule.to_alarm
    count = breaching if alarming else len(used) - breaching
    verb = _were(count) if alarming else f"{_were(count)} not"
    return (
        f"Threshold Crossed: {count} out of the last {len(used)} {_points(len(used))} [{shown}] {verb} "
        f"{_COMPARE[rule.operator][1]} the threshold ({rule.threshold})."
    )


def _unknown(rule: Rule) -> str:
    return f"Insufficient Data: {rule.needed} {_points(rule.needed)} {_were(rule.needed)} unknown."


def _points(count: int) -> str:
    return "datapoint" if count == 1 else "datapoints"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def statistic(name: str, values: Sequence[float]) -> float | None:
    """One datapoint of a period's values: Sum, Average, Minimum, Maximum, SampleCount or a percentile (p99, p99.9).

    None without values. Percentiles interpolate linearly.
    """
    if not values:
        return None
    match name:
        case "Sum":
            return float(sum(values))
        case "Average":
            return sum(values) / len(values)
        case "Minimum":
            return float(min(values))
        case "Maximum":
            return float(max(values))
        case "SampleCount":
            return float(len(values))
    place = (len(values) - 1) * float(name.removeprefix("p")) / 100
    ordered, lower = sorted(values), math.floor(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower)
