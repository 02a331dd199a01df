"""What ``drills/programmes.yaml`` may say. ``drillbook.programme.file.load`` reads it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from drillbook.programme.cron import Cron
from drillbook.service_fields import Part
from drillbook.service_model import TargetName
from drillbook.units import Duration, duration_text

_LEAST, _MOST = 3600.0, 3660 * 86400.0


def _calendar(text: str) -> str:
    return Cron.parse(text).text


def _whole_cadence(seconds: float) -> float:
    if seconds < _LEAST:
        raise ValueError(f"{duration_text(seconds)} is too often for drills; they take minutes")
    return _countable(seconds)


def _countable(seconds: float) -> float:
    if seconds > _MOST:
        raise ValueError(f"{duration_text(seconds)} is too long; allowed is {duration_text(_MOST)}")
    return seconds


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", text):
        raise ValueError(f"{text!r} is no name of a programme; use small letters, digits and hyphens")
    return text


def _tag(text: str) -> str:
    return text.removeprefix("@")


Name = Annotated[str, AfterValidator(_name)]


class Selector(Part):
    """Drills of one service: all, or those that each given key fits."""

    service: str
    scenario: str | None = None
    """The scenario's name."""
    tag: Annotated[str, BeforeValidator(_tag)] | None = None
    """Of the scenario or its feature."""
    feature: str | None = None
    """The feature's name, or its file's without ``.feature``."""


class Programme(Part):
    """A set of drills that is run at a cadence. Durations are seconds; calendars are UTC."""

    title: str = ""
    owner: str = ""
    """Who sees to it: a role, in words."""
    every: Annotated[Duration, AfterValidator(_whole_cadence)] | None = None
    calendar: Annotated[str, AfterValidator(_calendar)] | None = None
    grace: Annotated[Duration, AfterValidator(_countable)] = 86400.0
    """How long after it was due a drill is not yet overdue."""
    target: TargetName | None = None
    """Where it is run, and where evidence must come from; None: each service's own choice, and any evidence."""
    drills: tuple[Selector, ...] = ()

    @model_validator(mode="after")
    def _has_one_cadence(self) -> Self:
        if (self.every is None) == (self.calendar is None):
            given = "both" if self.every is not None else "neither"
            raise ValueError(f"needs exactly one of 'every' and 'calendar', and has {given}; keep one of them")
        return self

    def due_after(self, moment: datetime) -> datetime:
        """When a drill that was done at ``moment`` (aware) is due again, in UTC."""
        if self.calendar is not None:
            return Cron.parse(self.calendar).after(moment)
        return moment + timedelta(seconds=self.every or 0.0)

    @property
    def cadence(self) -> str:
        """For people: ``every 7 d``, or the calendar as written."""
        return self.calendar or f"every {duration_text(self.every or 0.0)}"


class Programmes(Part):
    programmes: dict[Name, Programme] = Field(min_length=1)
