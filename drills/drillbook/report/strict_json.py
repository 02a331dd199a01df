"""JSON that every parser takes: no NaN, no Infinity. An infinite bound (a censored interval) is written as null."""

from __future__ import annotations

import json
import math
from pathlib import Path

from drillbook.errors import EvidenceError
from drillbook.events import Json


def finite(value: Json) -> Json:
    """``value`` with every infinite or undefined number as None, mappings and sequences as dict and list, and text
    without the half characters that no file can hold."""
    if isinstance(value, str):
        return str(value).encode(errors="replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    return value


def line(value: Json) -> str:
    """One line of a JSONL file, without the line break."""
    return json.dumps(finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def document(value: Json) -> str:
    """A JSON file for people and programs: indented, with a line break at its end."""
    return json.dumps(finite(value), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read(path: Path) -> Json:
    """The value in a JSON file of an evidence directory. Raises EvidenceError naming the file."""
    try:
        return json.loads(text(path), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{path.name} is not JSON: {error}", do="restore the file as the drill wrote it") from None


def read_lines(path: Path) -> list[Json]:
    """The values in a JSONL file of an evidence directory. Raises EvidenceError naming file and line."""
    values = []
    for number, row in enumerate(text(path).removesuffix("\n").split("\n"), start=1):
        if not row and number == 1:
            continue
        try:
            values.append(json.loads(row, parse_constant=_refuse))
        except (ValueError, RecursionError) as error:
            raise EvidenceError(
                f"{path.name}:{number} is not JSON: {error}", do="restore the file as the drill wrote it"
            ) from None
    return values


def text(path: Path) -> str:
    """A text file of an evidence directory. Raises EvidenceError naming it when it cannot be read."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise EvidenceError(
            f"{path.name} is missing from {path.parent}", do="give a drill's evidence directory"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(
            f"{path.name} cannot be read: {error}", do="restore the file as the drill wrote it"
        ) from None


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON number")
