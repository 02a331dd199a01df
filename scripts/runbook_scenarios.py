"""The scenarios of the runbooks, read from the features: where in its runbook each one stands, and what it promises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillbook.feature_file import parsed

PROMISES = {
    r"the measured RTO is at most (.+)": "RTO {}",
    r"the measured RPO is at most (.+)": "RPO {}",
    r"no acknowledged write is lost": "no write lost",
    r"at most (.+) of writes acknowledged during the outage are lost": "{} of writes during the outage",
    r"the cut-over interrupted the service for at most (.+)": "interruption {}",
    r"no write acknowledged between the cut-overs is lost": "no write lost between the cut-overs",
    r"at most (\d+) writes? acknowledged between the cut-overs (?:are|is) lost": "at most {} writes lost between them",
    r'the recovery plan "(.+)" took at most (.+)': "“{}” {}",
    r"nobody had to act": "nobody acts",
    r"the P95 latency after recovery is at most (.+)": "P95 {}",
    r"at least (.+) of all requests are answered well": "{} answered well",
    r'the check "(.+)" holds': "“{}”",
    r'the configuration of the "(.+)" is that of its source': "configuration of the {}",
}
"""What a Then says, and in short what it promises."""
_NOT_A_KIND = ("runbook", "scenario", "severity", "owner", "epic", "story")


@dataclass(frozen=True)
class Scenario:
    service: str
    name: str
    feature: str
    """The file's path, from the repository's root."""
    runbook: str
    place: str
    """Where in the runbook: ``scenario 1``, ``readiness``."""
    promises: tuple[str, ...]


def scenarios(root: Path) -> list[Scenario]:
    """Of every service that has a runbook, in the order of runbooks and of their numbered scenarios; then the rest.

    Raises LocatedError for a broken feature.
    """
    found = [each for path in sorted(root.glob("features/*/**/*.feature")) for each in _scenarios_of(root, path)]
    return sorted(found, key=lambda each: (each.runbook, each.service, not each.place[-1:].isdigit(), each.place))


def _scenarios_of(root: Path, path: Path) -> Iterator[Scenario]:
    shown = path.relative_to(root)
    feature: dict[str, Any] = parsed(path, shown) or {"tags": [], "children": []}
    for child in feature["children"]:
        if scenario := child.get("scenario"):
            tags = [str(tag["name"]).lstrip("@") for tag in [*feature["tags"], *scenario["tags"]]]
            if runbook := _tagged(tags, "runbook"):
                promises = tuple(_promises(scenario["steps"]))
                yield Scenario(shown.parts[1], scenario["name"], str(shown), runbook, _place(tags), promises)


def _tagged(tags: list[str], kind: str) -> str:
    return next((tag.partition(":")[2] for tag in tags if tag.startswith(f"{kind}:")), "")


def _place(tags: list[str]) -> str:
    kinds = [tag.replace("-", " ") for tag in tags if tag.partition(":")[0] not in _NOT_A_KIND]
    number = _tagged(tags, "scenario")
    return f"scenario {number}" if number else ", ".join(kinds)


def _promises(steps: list[dict[str, Any]]) -> Iterator[str]:
    for pattern, short in PROMISES.items():
        for step in steps:
            if match := re.fullmatch(pattern, step["text"]):
                yield short.format(*match.groups())
