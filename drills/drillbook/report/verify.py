"""``drillbook verify DIR``: was anything changed, and does the verdict follow from the history?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drillbook.errors import EvidenceError
from drillbook.events import Json
from drillbook.measure import history, judge
from drillbook.measure.final import Final
from drillbook.measure.findings import alone
from drillbook.measure.run import Check, Run
from drillbook.objective import Verdict
from drillbook.report import manifest, strict_json

REQUIRED = (
    "drill.json",
    "events.jsonl",
    "calls.jsonl",
    "journal.jsonl",
    "configuration.json",
    "checks.json",
    "verdict.json",
)
MEASURED = ("history.jsonl", "final.json")
"""Also there, unless the drill ended before anything was measured."""

WITHHELD = (Verdict.INVALID, Verdict.NOT_SIMULATED)
"""What a drill may say although its history alone would give a verdict: it could not be healed, or was interrupted."""


@dataclass(frozen=True)
class Verification:
    """What was recomputed, and from what. ``root`` is the manifest's root hash: compare it with one kept elsewhere."""

    directory: Path
    service: str
    drill: str
    verdict: str
    root: str
    operations: int
    files: int

    def as_json(self) -> Json:
        return {
            "directory": str(self.directory),
            "service": self.service,
            "drill": self.drill,
            "verdict": self.verdict,
            "root": self.root,
            "operations": self.operations,
            "files": self.files,
            "verified": True,
        }

    def __str__(self) -> str:
        judged = f"{self.operations} recorded operations give {self.verdict} again"
        told = judged if self.operations else f"nothing was measured, and its checks allow the verdict: {self.verdict}"
        return (
            f"verified: {self.files} files are as the drill wrote them; {told}; "
            f"{self.service} · {self.drill} (root {self.root})"
        )


def verify(directory: Path) -> Verification:
    """Check the manifest and the history's chain, judge again, and compare with verdict.json.

    Reads only. Raises EvidenceError, one line naming the file, for whatever is missing, malformed, changed or does
    not follow from the rest.
    """
    root = manifest.check(directory)
    _require(directory, REQUIRED)
    drill, written = _mapping(directory, "drill.json"), _mapping(directory, "verdict.json")
    for name in ("events.jsonl", "calls.jsonl", "journal.jsonl"):
        strict_json.read_lines(directory / name)
    operations = _recompute(directory, drill, written)
    files = sum(1 for _ in directory.iterdir()) - 1
    names = {key: str(written.get(key, "")) for key in ("service", "drill", "verdict")}
    return Verification(directory, **names, root=root, operations=operations, files=files)


def _require(directory: Path, names: Iterable[str]) -> None:
    for name in names:
        if not (directory / name).is_file():
            raise EvidenceError(f"{name} is missing from {directory}", do="give a finished drill's evidence directory")


def _mapping(directory: Path, name: str) -> dict[str, Json]:
    value = strict_json.read(directory / name)
    if not isinstance(value, dict):
        raise EvidenceError(f"{name} in {directory} holds no mapping", do="restore it as the drill wrote it")
    return value


def _list(directory: Path, name: str) -> list[dict[str, Json]]:
    value = strict_json.read(directory / name)
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise EvidenceError(f"{name} in {directory} holds no list", do="restore it as the drill wrote it")
    return value


def _recompute(directory: Path, drill: dict[str, Json], written: dict[str, Json]) -> int:
    """Judge again and compare; how many operations that took. Without a canary, the checks alone give a verdict."""
    if drill.get("run") is None:
        _by_checks(directory, drill, written)
        return 0
    _require(directory, MEASURED)
    operations, again = _judge_again(directory, drill)
    _compare(directory, again, written)
    _same_checks(directory, drill)
    return operations


def _by_checks(directory: Path, drill: dict[str, Json], written: dict[str, Json]) -> None:
    """A drill may withhold its verdict; what else it says follows from its checks and its plan."""
    said = written.get("verdict")
    if written.get("objectives") or written.get("rto"):
        raise EvidenceError(f"verdict.json in {directory} tells measurements, but nothing was measured")
    checks = [
        Check(str(each.get("name")), each.get("ok"), str(each.get("detail")))
        for each in _list(directory, "checks.json")
    ]
    again = alone(checks, str(drill.get("plan_failure") or ""))
    if said not in (*WITHHELD, again):
        what = f"verdict.json in {directory} says {said}, but nothing was measured, and its checks give {again}"
        raise EvidenceError(what, do="do not rely on it")


def _judge_again(directory: Path, drill: dict[str, Json]) -> tuple[int, Json]:
    recorded = history.read(directory / "history.jsonl", live=True)
    final = Final.from_json(_mapping(directory, "final.json"))
    run = Run.from_json(drill["run"])
    try:
        judgement = judge.judge(recorded, final, run)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"what drill.json and final.json in {directory} hold cannot be judged: {error!r}",
            do="restore both as the drill wrote them, or verify with the version that drill.json names",
        ) from None
    return len(recorded.ops), json.loads(strict_json.document(judgement.as_json()))


def _compare(directory: Path, again: dict[str, Json], written: dict[str, Json]) -> None:
    """Every measured number must be the same. The drill may add causes, and may withhold the verdict."""
    told = {key: written.get(key) for key in again}
    causes = again.get("causes") or []
    told["causes"] = [cause for cause in causes if cause in (written.get("causes") or [])]
    if written.get("verdict") in WITHHELD:
        told["verdict"] = again.get("verdict")
    for path, here, there in differences({**again, "causes": causes}, told):
        raise EvidenceError(
            f"verdict.json in {directory} does not follow from the history: {path} is {there!r}, judged again {here!r}",
            do="do not rely on it; to rule out a change of judge, verify with the version that drill.json names",
        )


def _same_checks(directory: Path, drill: dict[str, Json]) -> None:
    judged = {str(check.get("name")): check.get("ok") for check in drill["run"].get("checks") or []}
    for check in _list(directory, "checks.json"):
        name = str(check.get("name"))
        if name in judged and judged[name] != check.get("ok"):
            raise EvidenceError(f"checks.json in {directory} tells {name!r} otherwise than drill.json does")


def differences(here: Json, there: Json, path: str = "") -> Iterator[tuple[str, Json, Json]]:
    """Each place where two JSON values differ: its path, and both values."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted(here.keys() | there.keys()):
            yield from differences(here.get(key), there.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for number, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif here != there:
        yield path, here, there
