"""results.json and ``--json``: one entry a drill, times in seconds as floats, an infinite bound as null."""

from __future__ import annotations

from pathlib import Path

from drillbook.events import Json
from drillbook.report import strict_json

KEYS = ("service", "drill", "target", "verdict", "objectives", "rto", "rpo", "phases", "lost", "leftovers", "causes")


def entry(about: Json, judgement: Json, *, left_over: list[str], evidence: str, **more: Json) -> dict[str, Json]:
    """A drill's entry: ``about`` (service, drill, feature, target, basis, programme), then the judgement.

    ``left_over`` names what of the drill is still there; ``evidence`` is the directory relative to the run's.
    """
    named = {key: about.get(key, "") for key in ("service", "drill", "feature", "target", "basis", "programme")}
    merged = {**named, **judgement, "leftovers": len(left_over), "left_over": left_over, "evidence": evidence, **more}
    for key in KEYS:
        merged.setdefault(key, [] if key in ("objectives", "causes") else None)
    answer: dict[str, Json] = strict_json.finite(merged)
    return answer


def write(path: Path, entries: list[Json]) -> None:
    """``{"drills": [...]}``, replacing what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(strict_json.document({"drills": entries}), encoding="utf-8")


def read(path: Path) -> list[Json]:
    """The entries of a results.json. Raises EvidenceError when it is none."""
    value = strict_json.read(path)
    drills: list[Json] = value.get("drills", []) if isinstance(value, dict) else []
    return drills
