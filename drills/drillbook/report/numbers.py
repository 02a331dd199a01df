"""What was measured in a drill, number by number, whatever kind of drill it was: for every list of drills."""

from __future__ import annotations

from dataclasses import dataclass

from drillbook.events import Json
from drillbook.report import wording


@dataclass(frozen=True)
class Measured:
    """One number of a drill. ``limit`` is None where nothing was promised; ``unit`` is s or writes."""

    kind: str
    interval: Json
    limit: float | None
    unit: str

    def __str__(self) -> str:
        """``RTO 12 s (objective 20 min)``, ``lost writes 0``."""
        promised = "" if self.limit is None else f" (objective {wording.limit_text(self.limit, self.unit)})"
        return f"{self.kind} {wording.amount_text(self.interval, self.unit)}{promised}"


def measured(entry: Json) -> list[Measured]:
    """Every objective of a results entry; and the RTO and RPO also where the scenario asked for none."""
    told = [
        Measured(each["kind"], each["measured"], each["limit"], each["unit"]) for each in entry.get("objectives") or []
    ]
    asked = {each.kind for each in told}
    beside = ((name, entry.get(name.lower()) or {}) for name in ("RTO", "RPO") if name not in asked)
    return told + [Measured(name, interval, None, "s") for name, interval in beside if wording.is_measured(interval)]


def without_numbers(entry: Json) -> str:
    """What stands where a drill has no numbers: its plans and its checks."""
    parts = [f"“{ran['plan']}” took {wording.seconds_text(ran['seconds'])}" for ran in entry.get("plans") or []]
    if made := (entry.get("checks") or {}).get("made"):
        parts.append(f"{entry['checks']['held']} of {wording.count_text(made, 'check')} held")
    return "; ".join(parts) or "nothing was measured"
