"""How long each drill took when it was last run, so that drills side by side end soon: the longest begins first.

``<reports>/durations.json`` has seconds by test id. It is a hint: without it, drills run in the order of their files.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

NAME = "durations.json"


class Durations:
    """A pytest plugin that times every test of this run, those of workers included."""

    def __init__(self, reports: Path) -> None:
        self._file = reports / NAME
        self._took: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up, drill, and what is done after it."""
        self._took[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """What did not run this time keeps its time."""
        if self._took and self._file.parent.is_dir():
            known = read(self._file.parent) | {test: round(seconds, 2) for test, seconds in self._took.items()}
            draft = self._file.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
            draft.replace(self._file)


def read(reports: Path) -> dict[str, float]:
    """Seconds by test id; empty if nothing is known."""
    try:
        said = json.loads((reports / NAME).read_text(encoding="utf-8"))
        return {str(test): float(seconds) for test, seconds in said.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def longest_first(shares: Mapping[str, Iterable[str]], took: Mapping[str, float]) -> list[str]:
    """The names of ``shares`` (tests by share), those with a test of unknown length first, then the longest."""

    def length(share: str) -> float:
        return sum(took.get(test, float("inf")) for test in shares[share])

    return sorted(shares, key=length, reverse=True)
