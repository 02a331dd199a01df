"""The timeline of a drill as one SVG: what the client saw, the phases, and each recovery step against its budget.

A pure function of its data: no clock, no file, no library. The SVG stands alone (as a file, in Allure) and inside a
page; it follows the reader's light or dark theme. Good and bad differ by direction, pattern and words, not by colour
alone. All times are seconds from the fault.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from drillbook.report.junit import clean
from drillbook.report.wording import count_text, offset_text, seconds_text

WIDTH, GUTTER, MARGIN = 960.0, 188.0, 18.0
_UP, _DOWN, _LANE = 24.0, 15.0, 48.0
_ROW, _LABEL = 21.0, 15.0
_LETTER = 6.1
"""The mean width of a letter in the 11 px labels; only used to keep labels apart."""


@dataclass(frozen=True)
class Bucket:
    """Operations due within one slice of time, starting at ``at``."""

    at: float
    good: int
    bad: int


@dataclass(frozen=True)
class Lane:
    """One kind of canary operation over time."""

    name: str
    buckets: Sequence[Bucket]


@dataclass(frozen=True)
class Span:
    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Mark:
    """A measured instant."""

    name: str
    at: float


@dataclass(frozen=True)
class Bar:
    """A recovery step. ``budget`` is in seconds; ``outcome`` is done, skipped, failed or not run."""

    name: str
    start: float
    end: float
    budget: float | None
    outcome: str


@dataclass(frozen=True)
class Timeline:
    """``bucket`` is the width of a slice in seconds. ``windows`` are the times the service was unavailable."""

    start: float
    end: float
    bucket: float = 1.0
    lanes: Sequence[Lane] = ()
    phases: Sequence[Span] = ()
    windows: Sequence[Span] = ()
    marks: Sequence[Mark] = ()
    bars: Sequence[Bar] = ()


def svg(timeline: Timeline, title: str = "Timeline of the drill") -> str:
    """The timeline as an SVG element with its own style, safe to put into HTML."""
    scale = Scale(timeline)
    flags = _stack(timeline.marks, scale)
    top = 8 + _LABEL * (1 + max((level for _, level in flags), default=-1))
    lanes = top + (_ROW + 12 if timeline.phases else 4)
    bars = lanes + _LANE * len(timeline.lanes) + 6
    floor = bars + _ROW * len(timeline.bars) + 4
    parts = [
        *_grid(scale, top, floor),
        *_windows(timeline.windows, scale, lanes, bars),
        *_phases(timeline.phases, scale, top + 4),
        *(
            part
            for row, lane in enumerate(timeline.lanes)
            for part in _lane(lane, timeline.bucket, scale, lanes + row * _LANE)
        ),
        *(part for row, bar in enumerate(timeline.bars) for part in _bar(bar, scale, bars + row * _ROW)),
        *_flags(flags, scale, floor),
    ]
    height = floor + 24
    return (
        f'<svg class="drill-timeline" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" '
        f'role="img" aria-label="{_safe(title)}"><title>{_safe(title)}</title>{_STYLE}{_PATTERN}'
        f'<rect class="paper" width="{WIDTH:.0f}" height="{height:.0f}"/>{"".join(parts)}</svg>'
    )


class Scale:
    """Seconds to the horizontal place."""

    def __init__(self, timeline: Timeline) -> None:
        self.start = _real(timeline.start)
        self.length = max(_real(timeline.end) - self.start, 0.001)

    def __call__(self, at: float) -> float:
        share = 0.0 if math.isnan(at) else min(max((at - self.start) / self.length, 0.0), 1.0)
        return GUTTER + (WIDTH - GUTTER - MARGIN) * share

    def ticks(self) -> Iterator[float]:
        """Round moments, at most nine, one of them the fault itself when it is in view."""
        step = next((step for step in _STEPS if self.length / step <= 8), self.length / 8)
        first = math.ceil(self.start / step)
        yield from (number * step for number in range(first, first + 9) if number * step <= self.start + self.length)


_STEPS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600)


def _grid(scale: Scale, top: float, floor: float) -> Iterator[str]:
    for at in scale.ticks():
        x = scale(at)
        yield f'<line class="grid" x1="{x:.1f}" y1="{top:.0f}" x2="{x:.1f}" y2="{floor:.0f}"/>'
        yield _text(x, floor + 15, offset_text(at), "tick", anchor="middle")


def _windows(windows: Iterable[Span], scale: Scale, top: float, floor: float) -> Iterator[str]:
    for window in windows:
        x, width = _extent(window.start, window.end, scale)
        hover = f"{window.name}: {offset_text(_real(window.start))} to {offset_text(_real(window.end))}"
        yield f'<rect class="window" x="{x:.1f}" y="{top:.0f}" width="{width:.1f}" height="{floor - top - 4:.0f}">'
        yield f"<title>{_safe(hover)}</title></rect>"


def _phases(phases: Sequence[Span], scale: Scale, y: float) -> Iterator[str]:
    if phases:
        yield _text(GUTTER - 10, y + 15, "Phases", "row", anchor="end")
    for number, phase in enumerate(phases):
        x, width = _extent(phase.start, phase.end, scale)
        length = seconds_text(max(_real(phase.end) - _real(phase.start), 0.0))
        yield f'<rect class="phase p{number % 2}" x="{x:.1f}" y="{y:.0f}" width="{width:.1f}" height="{_ROW:.0f}">'
        yield f"<title>{_safe(phase.name)}: {_safe(length)}</title></rect>"
        if label := _fitting(width, f"{phase.name} {length}", phase.name):
            yield _text(x + width / 2, y + 15, label, "in", anchor="middle")


def _lane(lane: Lane, length: float, scale: Scale, y: float) -> Iterator[str]:
    base = y + _UP + 3
    good, bad = sum(bucket.good for bucket in lane.buckets), sum(bucket.bad for bucket in lane.buckets)
    tallest = max((max(bucket.good, bucket.bad) for bucket in lane.buckets), default=0) or 1
    yield _text(GUTTER - 10, base - 7, lane.name, "row", anchor="end")
    yield _text(GUTTER - 10, base + 8, f"{good:,} good ▲ · {bad:,} bad ▼", "small", anchor="end")
    yield f'<line class="base" x1="{GUTTER:.0f}" y1="{base:.1f}" x2="{WIDTH - MARGIN:.0f}" y2="{base:.1f}"/>'
    for bucket in lane.buckets:
        x, width = _extent(bucket.at, bucket.at + length, scale, least=1.0)
        gap = min(1.0, width / 5)
        up, down = _UP * bucket.good / tallest, _DOWN * bucket.bad / tallest
        when = f"{lane.name} from {offset_text(_real(bucket.at))}"
        if bucket.good:
            yield _column("good", x, base - up, width - gap, up, f"{when}: {count_text(bucket.good, 'good', 'good')}")
        if bucket.bad:
            yield _column("bad", x, base, width - gap, max(down, 4), f"{when}: {count_text(bucket.bad, 'bad', 'bad')}")


def _column(kind: str, x: float, y: float, width: float, height: float, hover: str) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.1f}">'
        f"<title>{_safe(hover)}</title></rect>"
    )


def _bar(bar: Bar, scale: Scale, y: float) -> Iterator[str]:
    x, width = _extent(bar.start, bar.end, scale)
    took = "not run" if bar.outcome == "not run" else seconds_text(max(_real(bar.end) - _real(bar.start), 0.0))
    budget = f" of {seconds_text(bar.budget)}" if bar.budget is not None and math.isfinite(bar.budget) else ""
    told = f"{took}{budget}" + (f" · {bar.outcome}" if bar.outcome in ("failed", "skipped") else "")
    yield f"<g><title>{_safe(f'{bar.name}: {told}')}</title>"
    yield _text(GUTTER - 10, y + 14, _shortened(bar.name, 23), "row", anchor="end")
    if budget and bar.budget is not None:
        reach, allowed = _extent(bar.start, _real(bar.start) + bar.budget, scale)
        yield f'<rect class="budget" x="{reach:.1f}" y="{y + 4:.0f}" width="{allowed:.1f}" height="{_ROW - 8:.0f}"/>'
    if bar.outcome != "not run":
        kind = bar.outcome if bar.outcome in ("done", "skipped", "failed") else "done"
        yield f'<rect class="step {kind}" x="{x:.1f}" y="{y + 4:.0f}" width="{width:.1f}" height="{_ROW - 8:.0f}"/>'
    if x + width + 6 + len(told) * _LETTER < WIDTH - 4:
        yield _text(x + width + 6, y + 14, told, "small halo")
    else:
        yield _text(x - 6, y + 14, told, "small halo", anchor="end")
    yield "</g>"


def _stack(marks: Sequence[Mark], scale: Scale) -> list[tuple[Mark, int]]:
    """Each mark with the level of its label, so that labels do not overlap; the last level takes what is left."""
    ends: list[float] = []
    placed = []
    for mark in sorted(marks, key=lambda mark: _real(mark.at)):
        left, right = _label_extent(mark, scale)
        level = next((number for number, end in enumerate(ends) if end + 8 <= left), len(ends))
        ends[level : level + 1] = [right]
        placed.append((mark, level))
    return placed


def _label_extent(mark: Mark, scale: Scale) -> tuple[float, float]:
    x, width = scale(mark.at), len(_flag_label(mark)) * _LETTER
    return (x - 4 - width, x) if x + 4 + width > WIDTH - 2 else (x, x + 4 + width)


def _flag_label(mark: Mark) -> str:
    return f"{mark.name} {offset_text(_real(mark.at))}"


def _flags(flags: Sequence[tuple[Mark, int]], scale: Scale, floor: float) -> Iterator[str]:
    for mark, level in flags:
        x, y = scale(mark.at), 8 + level * _LABEL
        turned = _label_extent(mark, scale)[0] < x
        yield f'<line class="mark" x1="{x:.1f}" y1="{y:.0f}" x2="{x:.1f}" y2="{floor:.0f}"/>'
        place, anchor = (x - 4, "end") if turned else (x + 4, "start")
        yield _text(place, y + 9, _flag_label(mark), "flag halo", anchor=anchor)


def _extent(start: float, end: float, scale: Scale, least: float = 2.0) -> tuple[float, float]:
    x = scale(start)
    width = max(scale(end) - x, least)
    return min(x, WIDTH - MARGIN - least), width


def _fitting(width: float, *labels: str) -> str:
    return next((label for label in labels if len(label) * _LETTER + 8 <= width), "")


def _shortened(name: str, limit: int) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"


def _text(x: float, y: float, words: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_safe(words)}</text>'


def _real(at: float) -> float:
    """A moment that can be drawn: within some centuries of the fault."""
    return min(max(at, -1e10), 1e10) if math.isfinite(at) else 0.0


def _safe(words: str) -> str:
    return escape(clean(words))


_STYLE = """<style>
.drill-timeline{--paper:#fff;--ink:#1d2731;--dim:#56636f;--line:#e3e8ed;--good:#3b8273;--bad:#b3261e;--step:#34699e;
--p0:#dbe7f3;--p1:#eef3f8;--win:#b3261e;font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.drill-timeline .paper{fill:var(--paper)}.drill-timeline text{fill:var(--ink)}
.drill-timeline .tick,.drill-timeline .small{fill:var(--dim);font-size:10.5px}.drill-timeline .row{font-weight:600}
.drill-timeline .grid{stroke:var(--line)}.drill-timeline .base{stroke:var(--dim);stroke-width:.6}
.drill-timeline .good{fill:var(--good)}.drill-timeline .bad{fill:url(#drill-hatch);stroke:var(--bad);stroke-width:.7}
.drill-timeline .window{fill:var(--win);opacity:.09}
.drill-timeline .p0{fill:var(--p0)}.drill-timeline .p1{fill:var(--p1)}
.drill-timeline .phase{stroke:var(--line)}.drill-timeline .budget{fill:none;stroke:var(--dim);stroke-dasharray:3 2;
stroke-width:.8}.drill-timeline .step{fill:var(--step)}
.drill-timeline .step.skipped{fill:var(--paper);stroke:var(--step)}
.drill-timeline .step.failed{fill:url(#drill-hatch);stroke:var(--bad)}.drill-timeline .hatch{stroke:var(--bad)}
.drill-timeline .mark{stroke:var(--ink);stroke-width:.9;stroke-dasharray:2 2}.drill-timeline .flag{font-weight:600}
.drill-timeline .halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
@media (prefers-color-scheme:dark){.drill-timeline{--paper:#161b21;--ink:#e6ebf0;--dim:#a3b0bc;--line:#2c343d;
--good:#5db5a2;--bad:#ff8a80;--step:#7db3e8;--p0:#26384a;--p1:#1e2935;--win:#ff8a80}}
@media print{.drill-timeline{--paper:#fff;--ink:#1d2731;--dim:#56636f;--line:#e3e8ed;--good:#3b8273;--bad:#b3261e;
--step:#34699e;--p0:#dbe7f3;--p1:#eef3f8;--win:#b3261e}}
</style>"""

_PATTERN = (
    '<defs><pattern id="drill-hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" y1="0" x2="0" y2="4" stroke-width="2.6"/></pattern></defs>'
)
