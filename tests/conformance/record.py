"""What the conformance suite found, rule by rule, for the page of targets."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

_SHORT = 140
_VOLATILE = (
    (re.compile(r"https?://[\w.:-]*(127\.0\.0\.1|localhost)[\w.:-]*"), "<endpoint>"),
    (re.compile(r"\b(?:127(?:\.\d+){3}|localhost):\d+"), "<endpoint>"),
    (re.compile(r"(?:/[\w.+-]+){3,}"), "<path>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b"), "<uuid>"),
    (re.compile(r"0x[0-9a-f]{6,}"), "<address>"),
)


@dataclass(frozen=True)
class Finding:
    """Whether one rule holds. ``seen`` is empty if it does, else what was seen instead, in one short line."""

    area: str
    rule: str
    source: str
    test: str
    holds: bool
    seen: str = ""


class Record:
    """A pytest plugin that keeps a finding of every test and writes them as JSON at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Finding] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> object:
        report: pytest.TestReport = yield
        known = self._found.get(item.nodeid)
        if report.when == "call" or not report.passed:
            self._found[item.nodeid] = known if known and not known.holds else self._finding(item, call, report)
        return report

    @staticmethod
    def _finding(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Finding:
        rule = item.get_closest_marker("rule")
        assert rule is not None
        seen = "" if report.passed else _short(str(call.excinfo.value) if call.excinfo else "")
        return Finding(area_of(item.path), rule.args[0], rule.args[1], item.name, report.passed, seen)

    def pytest_sessionfinish(self) -> None:
        found = sorted((asdict(each) for each in self._found.values()), key=lambda each: (each["area"], each["test"]))
        self._path.write_text(json.dumps(found, indent=1) + "\n")


def write_rules(items: list[pytest.Item], path: Path) -> None:
    """What is asked, as JSON: one entry a test, whatever its parameters."""
    found = {}
    for item in items:
        marker = item.get_closest_marker("rule")
        assert marker is not None
        area, test = area_of(item.path), item.name.partition("[")[0]
        found[area, test] = {"area": area, "rule": marker.args[0], "source": marker.args[1], "test": test}
    path.write_text(json.dumps(list(found.values())))


def area_of(file: Path) -> str:
    """``conformance/test_s3.py`` and ``conformance/s3/test_replication.py`` are of the area s3."""
    folder = file.parent.name
    return file.stem.removeprefix("test_") if folder == "conformance" else folder


def _short(text: str) -> str:
    """The first line with something in it, without what differs from run to run."""
    line = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "it failed")
    for pattern, word in _VOLATILE:
        line = pattern.sub(word, line)
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"
