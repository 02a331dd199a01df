"""The page of one drill: a single HTML file without scripts or anything from elsewhere, for a manager to read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.clock import utc_text
from drillbook.events import Json
from drillbook.report import chronicle, interval_bar, record, timeline, wording
from drillbook.report.cards import cards
from drillbook.report.story import Story

if TYPE_CHECKING:
    from jinja2 import Environment

NAME = "page.html"
DRAWING = "timeline.svg"


def write(directory: Path) -> Path:
    """Write ``timeline.svg`` and ``page.html`` from the evidence in ``directory``.

    Raises EvidenceError if that is malformed.
    """
    evidence = record.read(directory)
    title = f"Timeline of {evidence.drill.get('drill', directory.name)}"
    (directory / DRAWING).write_text(timeline.svg(chronicle.timeline(evidence), title), encoding="utf-8")
    (directory / NAME).write_text(html(evidence), encoding="utf-8", errors="replace")
    return directory / NAME


def html(evidence: record.Record) -> str:
    """The whole page as text."""
    whole = timeline.svg(chronicle.timeline(evidence), "Timeline of the drill")
    near = {title: timeline.svg(drawn, title) for title, drawn in chronicle.close_ups(evidence).items()}
    story = Story(evidence)
    template = environment().get_template("page.html.j2")
    return template.render(story=story, cards=cards(story), timeline=whole, close_ups=near)


@cache
def environment() -> Environment:
    """Templates that escape everything; what the evidence does not tell is left blank."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("drillbook.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def bar(interval: Json, objective: float | None, unit: str = "s") -> Markup:
        return Markup(interval_bar.svg(interval, objective, unit))  # noqa: S704 - the drawing escapes its words itself

    made.globals.update(wording=wording, bar=bar, drawn=Markup, utc_text=utc_text)
    made.filters.update(
        interval=wording.interval_text,
        seconds=wording.seconds_text,
        offset=wording.offset_text,
        sign=wording.verdict_sign,
        slug=wording.verdict_slug,
    )
    return made
