"""An objective and the measured interval in one small bar, as SVG."""

from __future__ import annotations

import math
from html import escape

from drillbook.events import Json
from drillbook.report.wording import is_measured, limit_text, measured_text

_WIDTH, _HEIGHT = 220.0, 18.0


def svg(interval: Json, objective: float | None, unit: str = "s") -> str:
    """What is allowed as a pale band up to the objective's line, what was measured as a dark bar over it.

    ``interval`` is {lo, hi}; a ``hi`` of None (never seen to recover) ends in an arrow. Nothing without an interval.
    ``unit`` is s or writes.
    """
    if not is_measured(interval):
        return ""
    low, high = float(interval["lo"]), interval.get("hi")
    reach = _reach(low, high, objective)
    left, right = _x(low, reach), _x(low if high is None else float(high), reach)
    words = f"measured {measured_text(interval, unit)}"
    allowed = ""
    if objective is not None:
        words += f", allowed {limit_text(objective, unit)}"
        line = _x(objective, reach)
        allowed = (
            f'<rect class="allowed" x="0" y="2" width="{line:.1f}" height="14"/>'
            f'<line class="limit" x1="{line:.1f}" y1="0" x2="{line:.1f}" y2="{_HEIGHT:.0f}"/>'
        )
    arrow = (
        f'<path class="measured" d="M{left:.1f} 8h{_WIDTH - 9 - left:.1f}v-6l9 7-9 7v-6H{left:.1f}z"/>'
        if high is None
        else ""
    )
    return (
        f'<svg class="interval" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-label="{escape(words)}">'
        f'<title>{escape(words)}</title><rect class="ground" x="0" y="2" width="{_WIDTH:.0f}" height="14"/>{allowed}'
        f'<rect class="measured" x="{min(left, _WIDTH - 3):.1f}" y="5" width="{max(right - left, 3):.1f}" height="8"/>'
        f"{arrow}</svg>"
    )


def _reach(low: float, high: float | None, objective: float | None) -> float:
    """The seconds at the right end: a little beyond what is shown."""
    shown = [low, *([] if high is None else [float(high)]), *([] if objective is None else [objective])]
    return max((value for value in shown if math.isfinite(value)), default=0.0) * 1.12 or 1.0


def _x(value: float, reach: float) -> float:
    return _WIDTH * min(max(value / reach, 0.0), 1.0)
