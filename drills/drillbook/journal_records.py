"""What the journal knows — runs, changes, moments — and how that stands in its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from sqlite3 import Row

from drillbook import redaction
from drillbook.clock import Clock
from drillbook.errors import JournalError
from drillbook.events import Json
from drillbook.liveness import Process


class State(StrEnum):
    INTENT = "intent"
    """About to be applied, or half applied; nobody knows."""
    APPLIED = "applied"
    HEALED = "healed"
    """Restored, and read back."""
    GONE = "gone"
    """Its world no longer exists, so there is nothing to restore."""


@dataclass(frozen=True)
class Moment:
    """One instant on both clocks. Only their agreement is trusted: one restarts at boot, the other can be set."""

    utc: datetime
    monotonic: float

    @classmethod
    def present(cls, clock: Clock) -> Moment:
        return cls(clock.now(), clock.monotonic())

    def age(self, clock: Clock) -> float:
        """Seconds that have passed for certain: the smaller of what the two clocks say, never negative."""
        return max(0.0, min(clock.monotonic() - self.monotonic, (clock.now() - self.utc).total_seconds()))


@dataclass(frozen=True)
class Entry:
    """One change, as the journal knows it. ``at`` is the UTC moment of the intent; ``settle`` is in seconds."""

    id: int
    run_id: str
    service_file: str
    target: Mapping[str, Json]
    what: str
    factory: str
    settings: Mapping[str, Json]
    touches: tuple[str, ...]
    before: Json
    state: State
    settle: float
    at: datetime
    quiet: Moment | None = None
    """From when on no further call of this change can have been sent: its ``apply`` had ended, or its process."""

    @property
    def has_own_cloud(self) -> bool:
        """Was it made in a cloud that is one drill's own? No other drill sees anything of it."""
        return has_own_cloud(self.target)

    def overlaps(self, other: Entry) -> bool:
        """May both have touched the same thing? Changes that do not say what they touch overlap with all others."""
        return not self.touches or not other.touches or not set(self.touches).isdisjoint(other.touches)


def has_own_cloud(address: Mapping[str, Json]) -> bool:
    """Is the world at that address in a cloud that was started for it alone, and ends with it?"""
    return address.get("own_cloud") is True


@dataclass(frozen=True)
class RunRecord:
    run_id: str
    process: Process
    service_file: str
    target: Mapping[str, Json]
    ended: bool

    @property
    def at_work_elsewhere(self) -> bool:
        """Whether another process, alive now, is in the middle of this run."""
        return not self.ended and self.process.alive and not self.process.is_this_one

    def is_about(self, service_file: str, target: Mapping[str, Json]) -> bool:
        """Does it drill this service on this target? What each run has to itself makes no other target."""

        def shared(address: Mapping[str, Json]) -> dict[str, Json]:
            return {key: value for key, value in address.items() if key not in ("workdir", "values")}

        return self.service_file == service_file and shared(self.target) == shared(target)


def run_of(row: Row) -> RunRecord:
    process = Process(row["pid"], row["birth"])
    return RunRecord(
        row["run_id"], process, row["service_file"], json.loads(row["target"]), ended=row["ended"] is not None
    )


def entry_of(row: Row) -> Entry:
    return Entry(
        id=row["id"],
        run_id=row["run_id"],
        service_file=row["service_file"],
        target=json.loads(row["target"]),
        what=row["what"],
        factory=row["factory"],
        settings=json.loads(row["settings"]),
        touches=tuple(json.loads(row["touches"])),
        before=json.loads(row["before"]),
        state=State(row["state"]),
        settle=row["settle"],
        at=datetime.fromisoformat(row["at"]),
        quiet=Moment(datetime.fromisoformat(row["quiet_utc"]), row["quiet_monotonic"]) if row["quiet_utc"] else None,
    )


def exported(row: Row) -> dict[str, Json]:
    """A change for the evidence: without ``before``, which may be as large as a table."""
    plain = {name: row[name] for name in ("id", "run_id", "what", "factory", "state", "settle", "at", "moved")}
    return plain | {name: json.loads(row[name]) for name in ("settings", "touches")}


def json_text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def storable(value: Json, of: str) -> Json:
    """``value`` as a later process will read it. Raises JournalError if it is not JSON or shows a secret."""
    try:
        text = json_text(value)
    except (TypeError, ValueError) as error:
        raise JournalError(
            f"what {of!r} would keep in the journal is not JSON: {error}",
            do="let it hold only str, int, float, bool, None, list and dict",
        ) from error
    if found := redaction.find_secrets(text):
        raise JournalError(
            f"what {of!r} would keep in the journal shows a secret: {', '.join(found)}",
            do="keep a reference to the secret, such as its version, instead of its value",
        )
    return json.loads(text)
