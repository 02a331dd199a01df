"""The canary's history: what was sent, when, and what came of it. Append-only JSON lines, each chained to the last.

    header line   what the canary was told, and one pair of monotonic and UTC readings
    op lines      one per operation, in the order they ended
    end line      written when every operation that was sent has ended; its absence means that the canary was killed

Each line carries ``h``: the first 32 hexadecimal digits of SHA-256 over the previous line's ``h`` and this line's text
without its own. All times are monotonic seconds (``drillbook.clock``), comparable between processes of one machine.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType

from drillbook.clock import Clock, utc_text
from drillbook.errors import EvidenceError
from drillbook.events import Json

FORMAT = 1


class Kind(StrEnum):
    """What an operation does. Insert, update and delete are versions 1..n of their key."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    READ = "read"
    PROBE = "probe"


WRITES = frozenset({Kind.INSERT, Kind.UPDATE, Kind.DELETE})


class Res(StrEnum):
    """What is known about an operation's effect."""

    OK = "ok"
    FAIL = "fail"
    """Definitely without effect: refused connection, unknown host, 4xx."""
    INFO = "info"
    """Unknown: 5xx, timeout, reset."""


CLOUD_FAULT = "the embedded cloud failed"
"""Ends the status of an operation that the emulator itself got wrong: it says nothing about the service."""
ABSENT = 0
"""A read found no record."""
FOREIGN = -1
"""A read found a record that no canary wrote."""


@dataclass(frozen=True)
class Op:
    """One operation: ``due`` is when it should have left, ``sent`` when it did, ``done`` when answered or given up."""

    i: int
    f: Kind
    key: str
    ver: int
    """The version written; for a read, the version that was acknowledged (0: the key should be absent)."""
    due: float
    sent: float
    done: float
    res: Res
    status: str = ""
    """For people: ``HTTP 502``, ``connection refused``."""
    seen: int | None = None
    """The version the answer showed: ABSENT, FOREIGN, a version, or None when it showed none."""
    wait: float = 0.0
    """Seconds between sent and done in which the canary itself was ready to run and had no CPU."""

    @property
    def stale(self) -> bool:
        """A read that was answered, and showed less than had been acknowledged before it was sent."""
        if self.f is not Kind.READ or self.res is not Res.OK:
            return False
        if self.seen is None:
            return True
        return self.seen != ABSENT if self.ver == ABSENT else self.seen < self.ver

    @property
    def delay(self) -> float:
        """Seconds of this operation that are the canary's own fault: it left late, or had no CPU to take the answer."""
        return self.sent - self.due + self.wait

    @property
    def latency(self) -> float:
        """Seconds from ``due``: what a client that keeps to its schedule waits."""
        return self.done - self.due


@dataclass(frozen=True)
class History:
    """A history as read. ``ended``: the canary drained and said so. ``torn``: the last line is cut short."""

    header: Mapping[str, Json]
    ops: tuple[Op, ...]
    ended: bool = True
    torn: bool = False


class HistoryWriter:
    """Appends to a new history. Every line is handed to the operating system at once; safe to use from many threads."""

    def __init__(self, path: Path, settings: Mapping[str, Json], clock: Clock) -> None:
        self._clock, self._last, self._lock, self.count = clock, "", threading.Lock(), 0
        self._file = path.open("xb", buffering=0)
        self._append({"history": FORMAT, "settings": dict(settings), "clock": self._clock_pair()})

    def op(self, op: Op) -> None:
        with self._lock:
            self.count += 1
            self._append(op_as_json(op))

    def end(self) -> None:
        """Say that nothing is outstanding, and close."""
        with self._lock:
            self._append({"end": self.count, "clock": self._clock_pair()})
            self._file.close()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> HistoryWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _append(self, line: Mapping[str, Json]) -> None:
        text = json.dumps(line, separators=(",", ":"))
        self._last = _link(self._last, text)
        self._file.write(f'{text[:-1]},"h":"{self._last}"}}\n'.encode())

    def _clock_pair(self) -> dict[str, Json]:
        return {"monotonic": self._clock.monotonic(), "utc": utc_text(self._clock.now())}


def op_as_json(op: Op) -> dict[str, Json]:
    line = dict(vars(op))
    line.update({name: round(line[name], 6) for name in ("due", "sent", "done", "wait")})
    return {name: value for name, value in line.items() if (name, value) not in (("seen", None), ("wait", 0.0))}


def op_from_json(line: Mapping[str, Json]) -> Op:
    """Raises KeyError, TypeError or ValueError when ``line`` is no operation."""
    values = {name: value for name, value in line.items() if name != "h"}
    return Op(**{**values, "f": Kind(values["f"]), "res": Res(values["res"])})


def read(path: Path, *, live: bool = False) -> History:
    """Read and verify a history.

    ``live``: tolerate a last line that is cut short (the canary is writing, or was killed) and report it as ``torn``.
    Raises EvidenceError naming the first line that is missing, malformed or was changed.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(f"the history {path} cannot be read: {error}", do="give a drill's own directory") from None
    whole, _, rest = text.rpartition("\n")
    if rest and not live:
        raise _bad(path, whole.count("\n") + 2, "is cut short")
    lines = list(_verified(path, whole.split("\n") if whole else []))
    if not lines or lines[0].get("history") != FORMAT:
        raise _bad(path, 1, f"is not the header of a history of format {FORMAT}")
    ended = len(lines) > 1 and "end" in lines[-1]
    body = lines[1:-1] if ended else lines[1:]
    if ended and lines[-1]["end"] != len(body):
        raise _bad(path, len(lines), f"counts {lines[-1]['end']} operations, but there are {len(body)}")
    return History(lines[0], tuple(_ops(path, body)), ended=ended, torn=bool(rest))


def tail(path: Path, offset: int) -> tuple[list[Op], int]:
    """The operations that ended since ``offset`` (0 to begin with), and the offset to ask from next. Not verified."""
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        fresh = file.read()
    whole = fresh[: fresh.rfind(b"\n") + 1]
    lines = [json.loads(line) for line in whole.splitlines()]
    return [op_from_json(line) for line in lines if "f" in line], offset + len(whole)


def _verified(path: Path, lines: list[str]) -> Iterator[dict[str, Json]]:
    last = ""
    for number, line in enumerate(lines, 1):
        head, mark, link = line.rpartition(',"h":"')
        last = _link(last, head + "}")
        if not mark or link != f'{last}"}}':
            raise _bad(path, number, "was changed, or a line before it is missing")
        yield _object(path, number, head + "}")


def _object(path: Path, number: int, text: str) -> dict[str, Json]:
    try:
        line = json.loads(text)
    except ValueError:
        raise _bad(path, number, "is not JSON") from None
    if not isinstance(line, dict):
        raise _bad(path, number, "is not a JSON object")
    return line


def _ops(path: Path, lines: list[dict[str, Json]]) -> Iterator[Op]:
    for number, line in enumerate(lines, 2):
        try:
            yield op_from_json(line)
        except (KeyError, TypeError, ValueError) as error:
            raise _bad(path, number, f"is no operation ({error})") from None


def _link(last: str, text: str) -> str:
    return hashlib.sha256((last + text).encode()).hexdigest()[:32]


def _bad(path: Path, line: int, what: str) -> EvidenceError:
    return EvidenceError(f"{path}:{line} {what}", do="use the history as the canary wrote it")
