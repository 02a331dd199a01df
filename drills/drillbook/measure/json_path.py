"""The part of JSONPath that a front door needs: ``$.a.b``, ``$.items[0].id``, ``$[*].id``, ``$["odd name"]``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from drillbook.errors import UsageError
from drillbook.events import Json

_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[(\*)\]|\[(?:"([^"]+)"|'([^']+)')\]""")


@dataclass(frozen=True)
class JsonPath:
    text: str
    steps: Sequence[str | int | None]
    """A member's name, an element's index, or None for every element."""

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Raises UsageError saying where the path is not understood."""
        steps: list[str | int | None] = []
        at = 1
        while text.startswith("$") and (match := _STEP.match(text, at)):
            name, index, every, double, single = match.groups()
            steps.append(int(index) if index else None if every else name or double or single)
            at = match.end()
        if not text.startswith("$") or at != len(text):
            raise UsageError(
                f"{text!r} is no path: {text[at:] or text!r} is not understood", do="write $.name or $[*].id"
            )
        return cls(text, tuple(steps))

    def find(self, document: Json) -> list[Json]:
        """Every value the path leads to, in order; none when it leads nowhere."""
        found = [document]
        for step in self.steps:
            found = [inner for value in found for inner in _follow(value, step)]
        return found


def _follow(value: Json, step: str | int | None) -> list[Json]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    if step is None:
        return value
    return value[step : step + 1]
