"""Cron's five fields, in UTC: when next?

Source: crontab(5) and POSIX.1-2024, crontab: minute, hour, day of the month, month, day of the week; a day on which
both day fields say something matches if either does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS, 1)},
    "day of the week": {name: number for number, name in enumerate(_WEEKDAYS)},
}
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")
_HORIZON = 8 * 366 + 1
"""Days to look ahead: 29 February is eight years away where a century year is no leap year."""


@dataclass(frozen=True)
class Cron:
    """One calendar. ``text`` is as written; ``Cron.parse`` makes it."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Both day fields say something."""

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Raises ValueError, with what is wrong, for what is no calendar or never happens."""
        words = text.split()
        if len(words) != len(_FIELDS):
            raise ValueError(f"{text!r} is no calendar; write five fields, for example '30 5 1 * *' for 05:30 each 1st")
        minutes, hours, days, months, weekdays = (
            _values(word, *field) for word, field in zip(words, _FIELDS, strict=True)
        )
        either = not words[2].startswith("*") and not words[4].startswith("*")
        weekdays = {day % 7 for day in weekdays}
        found = cls(
            " ".join(words),
            tuple(sorted(minutes)),
            tuple(sorted(hours)),
            frozenset(days),
            frozenset(months),
            frozenset(weekdays),
            either,
        )
        if next(found._days_from(date(2023, 1, 1)), None) is None:
            raise ValueError(f"{text!r} never happens; correct the day or the month")
        return found

    def after(self, moment: datetime) -> datetime:
        """The first time later than ``moment`` (aware), in UTC."""
        moment = moment.astimezone(UTC)
        for day in self._days_from(moment.date()):
            for at in self._times_on(day):
                if at > moment:
                    return at
        raise AssertionError(f"{self.text} never happens")  # parse has refused it

    def _days_from(self, first: date) -> Iterator[date]:
        for ahead in range(min(_HORIZON, (date.max - first).days + 1)):
            day = first + timedelta(days=ahead)
            if self._matches(day):
                yield day

    def _times_on(self, day: date) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)

    def _matches(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week


def _values(word: str, name: str, least: int, most: int) -> set[int]:
    return {value for part in word.split(",") for value in _part(part, name, least, most)}


def _part(part: str, name: str, least: int, most: int) -> range:
    found = _PART.fullmatch(part)
    if not found:
        raise ValueError(f"{part!r} is no {name}; write a number, a range, a list, or *")
    step = int(found["step"] or 1)
    first, last = least, most
    if found["first"]:
        first = _number(found["first"], name)
        last = _number(found["last"], name) if found["last"] else (most if found["step"] else first)
    if not (least <= first <= last <= most and step >= 1):
        raise ValueError(f"{part!r} is no {name}; it goes from {least} to {most}")
    return range(first, last + 1, step)


def _number(word: str, name: str) -> int:
    known = _NAMES.get(name, {})
    if word.lower() in known:
        return known[word.lower()]
    if not word.isascii() or not word.isdigit():
        raise ValueError(f"{word!r} is no {name}")
    return int(word)
