"""``drillbook verify DIR``: was anything changed, and does the verdict follow from the history?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drillbook.errors import EvidenceError
from drillbook.events import Json
from drillbook.measure import history, judge
from drillbook.report import manifest, strict_json

REQUIRED = (
    "drill.json",
    "history.jsonl",
    "final.json",
    "events.jsonl",
    "calls.jsonl",
    "journal.jsonl",
    "configuration.json",
    "checks.json",
    "verdict.json",
)


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
        return (
            f"verified: {self.files} files are as the drill wrote them; {self.operations} recorded operations "
            f"give {self.verdict} again for {self.service} · {self.drill} (root {self.root})"
        )


def verify(directory: Path) -> Verification:
    """Check the manifest and the history's chain, judge again, and compare with verdict.json.

    Reads only. Raises EvidenceError, one line naming the file, for whatever is missing, malformed, changed or does
    not follow from the rest.
    """
    root = manifest.check(directory)
    _require_all(directory)
    drill, written = _mapping(directory, "drill.json"), _mapping(directory, "verdict.json")
    for name in ("events.jsonl", "calls.jsonl", "journal.jsonl"):
        strict_json.read_lines(directory / name)
    operations, again = _judge_again(directory, drill)
    _compare(directory, again, written)
    _same_checks(directory, drill)
    files = sum(1 for _ in directory.iterdir()) - 1
    names = {key: str(written.get(key, "")) for key in ("service", "drill", "verdict")}
    return Verification(directory, **names, root=root, operations=operations, files=files)


def _require_all(directory: Path) -> None:
    for name in REQUIRED:
        if not (directory / name).is_file():
            raise EvidenceError(f"{name} is missing from {directory}", do="give a finished drill's evidence directory")


def _mapping(directory: Path, name: str) -> dict[str, Json]:
    value = strict_json.read(directory / name)
    if not isinstance(value, dict):
        raise EvidenceError(f"{name} in {directory} holds no mapping", do="restore it as the drill wrote it")
    return value


def _judge_again(directory: Path, drill: dict[str, Json]) -> tuple[int, Json]:
    recorded = history.read(directory / "history.jsonl")
    final = strict_json.read(directory / "final.json")
    try:
        run = judge.Run.from_json(drill["run"])
        judgement = judge.judge(recorded, final, run)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"drill.json or final.json in {directory} does not hold what the judge needs: {error!r}",
            do="restore both as the drill wrote them, or verify with the version that drill.json names",
        ) from None
    return len(recorded.ops), strict_json.finite(judgement.as_json())


def _compare(directory: Path, again: Json, written: dict[str, Json]) -> None:
    for path, here, there in differences(again, {key: written.get(key) for key in again}):
        raise EvidenceError(
            f"verdict.json in {directory} does not follow from the history: {path} is {there!r}, judged again {here!r}",
            do="do not rely on this verdict; verify with the version that drill.json names to rule out a change of judge",
        )


def _same_checks(directory: Path, drill: dict[str, Json]) -> None:
    judged = {str(check.get("name")): check.get("ok") for check in drill["run"].get("checks") or []}
    for check in strict_json.read(directory / "checks.json"):
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
