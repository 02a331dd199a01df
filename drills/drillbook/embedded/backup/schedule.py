"""When a plan's rule is due: AWS cron and rate expressions.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html. Not known: W (nearest weekday).
All moments are aware datetimes of the calendar that the expression is in.
"""

from __future__ import annotations

import calendar
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_YEARS_AHEAD = 10

Schedule = Callable[[datetime], datetime | None]
"""The first moment after the given one; None if there is none any more."""


def schedule(expression: str, begun: datetime) -> Schedule:
    """What ``cron(…)`` or ``rate(…)`` says; a rate counts from ``begun``. Raises ValueError for anything else."""
    if match := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression.strip()):
        period = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
        if not period:
            raise ValueError(f"a rate must be above zero: {expression}")
        return lambda after: begun + max(1, (after - begun) // period + 1) * period
    if match := re.fullmatch(r"cron\((.*)\)", expression.strip()):
        return Cron.of(match[1]).after
    raise ValueError(f"neither cron(…) nor rate(…): {expression}")


def shortest_gap(due: Schedule, begun: datetime) -> timedelta:
    """The shortest time between two of its next moments."""
    moments = [begun]
    while len(moments) < 100 and (found := due(moments[-1])):
        moments.append(found)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments[1:])]
    return min(gaps, default=timedelta.max)


@dataclass(frozen=True)
class Cron:
    """Minutes, hours, day of month, month, day of week (1 is Sunday), year. Times are UTC unless the plan says so."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int]

    @classmethod
    def of(cls, text: str) -> Cron:
        fields = text.upper().split()
        if len(fields) != 6:
            raise ValueError(f"a cron expression has six fields: {text}")
        minutes, hours, days, months, weekdays, years = fields
        if "?" not in (days, weekdays):
            raise ValueError(f"the day of month or the day of week must be ?: {text}")
        made = cls(
            _numbers(minutes, 0, 59),
            _numbers(hours, 0, 23),
            days,
            _numbers(months, 1, 12, _MONTHS),
            weekdays,
            _numbers(years, 1970, 2199),
        )
        made._days_of(2024, 1)  # Refuses what is no day.
        return made

    def after(self, moment: datetime) -> datetime | None:
        for year in range(moment.year, moment.year + _YEARS_AHEAD):
            for month in sorted(self.months) if year in self.years else ():
                if (year, month) >= (moment.year, moment.month) and (found := self._in(year, month, moment)):
                    return found
        return None

    def _in(self, year: int, month: int, moment: datetime) -> datetime | None:
        return next((one for one in self._moments(year, month, moment) if one > moment), None)

    def _moments(self, year: int, month: int, moment: datetime) -> Iterator[datetime]:
        for day in sorted(self._days_of(year, month)):
            if (year, month, day) >= (moment.year, moment.month, moment.day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        yield datetime(year, month, day, hour, minute, tzinfo=moment.tzinfo)

    def _days_of(self, year: int, month: int) -> set[int]:
        first_weekday, last = calendar.monthrange(year, month)
        if self.weekdays == "?":
            return {last} if self.days == "L" else {day for day in _numbers(self.days, 1, 31) if day <= last}
        weekday = {day: (first_weekday + day) % 7 + 1 for day in range(1, last + 1)}
        if match := re.fullmatch(r"(\w+)#([1-5])", self.weekdays):
            (wanted,) = _numbers(match[1], 1, 7, _DAYS)
            return {day for day in weekday if weekday[day] == wanted and (day - 1) // 7 + 1 == int(match[2])}
        if match := re.fullmatch(r"(\w+)L", self.weekdays):
            (wanted,) = _numbers(match[1], 1, 7, _DAYS)
            return {day for day in weekday if weekday[day] == wanted and day + 7 > last}
        return {day for day in weekday if weekday[day] in _numbers(self.weekdays, 1, 7, _DAYS)}


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if span in ("*", "?") else _number(first, names)
        end = _number(last, names) if last else high if step or span in ("*", "?") else start
        if not low <= start <= end <= high or (step and int(step) < 1):
            raise ValueError(f"not between {low} and {high}: {field}")
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    return (names or {}).get(text) or int(text)
