"""Unavailability: from when to when something went badly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from drillbook.measure.history import Kind, Op
from drillbook.measure.sight import Sighting
from drillbook.objective import Interval

_Facet = tuple[Kind, str]


@dataclass(frozen=True)
class Window:
    """Instants (monotonic seconds) between which the unavailability began, and ended. ``bad`` operations met it."""

    start: Interval
    end: Interval
    bad: int

    @property
    def length(self) -> Interval:
        return Interval(max(0.0, self.end.lo - self.start.hi), self.end.hi - self.start.lo)


def windows(seen: Sequence[Sighting]) -> list[Window]:
    """A window closes when each kind of operation that was bad in it is good again, and each record that was read
    badly, if it ever is. ``seen`` in order of ``sent``; the last window may be open (``end.hi`` is infinite)."""
    well_later = _last_well_read(seen)
    found: list[Window] = []
    bad_facets: set[_Facet] = set()
    started, last_good, last_bad, count = Interval(-math.inf, math.inf), -math.inf, 0.0, 0
    for each in seen:
        if each.bad:
            if not bad_facets:
                started, count = Interval(min(last_good, each.op.done), each.op.done), 0
            bad_facets.add(_facet(each.op, well_later))
            last_bad, count = each.op.sent, count + 1
        elif each.good:
            last_good = each.op.sent
            was_open = bool(bad_facets)
            bad_facets -= {(each.op.f, ""), (each.op.f, each.op.key)}
            if was_open and not bad_facets:
                found.append(Window(started, Interval(last_bad, max(last_bad, each.op.done)), count))
    if bad_facets:
        found.append(Window(started, Interval(last_bad, math.inf), count))
    return found


def total(found: Sequence[Window]) -> Interval:
    """Seconds of unavailability in all."""
    return Interval(sum(each.length.lo for each in found), sum(each.length.hi for each in found))


def _facet(op: Op, well_later: dict[str, float]) -> _Facet:
    """A record that was read badly must itself be read well again; what was only late or refused is of its kind."""
    tracked = op.stale and well_later.get(op.key, -math.inf) > op.sent
    return (op.f, op.key if tracked else "")


def _last_well_read(seen: Sequence[Sighting]) -> dict[str, float]:
    return {each.op.key: each.op.sent for each in seen if each.good and each.op.f is Kind.READ}
