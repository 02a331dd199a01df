"""How sentences are written: the typed blanks of a step, and the sentences that say what a scenario is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from parse import with_pattern
from pytest_bdd import parsers

from drillbook.units import fraction, seconds

T = TypeVar("T")


def _pattern(regex: str) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """``parse.with_pattern``, typed."""
    decorate: Callable[[Callable[[str], T]], Callable[[str], T]] = with_pattern(regex)
    return decorate


@_pattern(r"\d+(?::\d\d:\d\d|(?:\.\d+)? ?[a-z]+(?:(?: and|,)? \d+ ?[a-z]+)*)")
def _duration(text: str) -> float:
    return seconds(re.sub(r" and |, ", " ", text))


@_pattern(r"\d+(?:\.\d+)? ?%")
def _share(text: str) -> float:
    return fraction(text)


@_pattern(r"[a-z]{2,3}(?:-[a-z]+)+-\d")
def _region(text: str) -> str:
    return text


@_pattern(r"[^\"]+")
def _name(text: str) -> str:
    return text


_BLANKS = {"Duration": _duration, "Share": _share, "Region": _region, "Name": _name}


def sentence(text: str) -> parsers.cfparse:
    """A step's sentence. Blanks: ``"{x:Name}"``, ``{x:Duration}``, ``{x:Share}``, ``{x:Region}``, ``{x:d}``.

    Consumers may use it for sentences of their own::

        @when(sentence('the queue "{queue:Name}" is drained within {limit:Duration}'))
        def _(queue: str, limit: float) -> None: ...
    """
    return parsers.cfparse(text, extra_types=_BLANKS)


SERVICE = sentence('the service "{service:Name}"')
SERVICE_IN_REGION = sentence('the service "{service:Name}" in region "{region:Region}"')
FAULT = sentence('the fault "{fault:Name}" strikes')
FAULT_WITH = sentence('the fault "{fault:Name}" strikes with')
LIFTED = sentence('the fault "{fault:Name}" is over')
PLAN = sentence('the recovery plan "{plan:Name}" is run')
CUT_OVER = sentence('the planned cut-over "{plan:Name}" is run')
DETECTED = sentence('the failure is detected by "{probe:Name}" within {limit:Duration}')
RTO = sentence("the measured RTO is at most {limit:Duration}")
RPO = sentence("the measured RPO is at most {limit:Duration}")
NO_LOSS = sentence("no acknowledged write is lost")
LOSS_DURING = sentence("at most {limit:Duration} of writes acknowledged during the outage are lost")
UNAIDED = sentence("nobody had to act")
INTERRUPTION = sentence("the cut-over interrupted the service for at most {limit:Duration}")
NONE_BETWEEN = sentence("no write acknowledged between the cut-overs is lost")
LOST_BETWEEN = sentence("at most {count:d} writes acknowledged between the cut-overs are lost")
LATENCY = sentence("the P95 latency after recovery is at most {limit:Duration}")
PLAN_TOOK = sentence('the recovery plan "{plan:Name}" took at most {limit:Duration}')
AVAILABILITY = sentence("at least {share:Share} of all requests are answered well")
CHECK = sentence('the check "{check:Name}" holds')
CONFIGURATION = sentence('the configuration of the "{resource:Name}" is that of its source')
