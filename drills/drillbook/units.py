"""Durations and percentages as people write them, in service files, features and on the command line."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

_SECONDS = {
    "ms": 0.001, "millisecond": 0.001, "milliseconds": 0.001,
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


def seconds(text: str | float) -> float:
    """``20 min``, ``1 h 30 min``, ``500ms`` or ``1:30:00`` in seconds. A bare number is refused: 30 of what?

    Raises ValueError with what is accepted.
    """
    if not isinstance(text, str):
        return _countable(float(text), text)
    words = text.strip().lower()
    if clock := re.fullmatch(r"(\d+):([0-5]\d):([0-5]\d)", words):
        hours, minutes, rest = (int(part) for part in clock.groups())
        return hours * 3600.0 + minutes * 60.0 + rest
    parts = _PART.findall(words)
    if not parts or _PART.sub("", words).strip(" ,") or any(unit not in _SECONDS for _, unit in parts):
        raise ValueError(f"{text!r} is no duration; write for example '500 ms', '20 min', '1 h 30 min' or '1:30:00'")
    return _countable(sum(float(number) * _SECONDS[unit] for number, unit in parts), text)


def _countable(value: float, text: str | float) -> float:
    if not 0 <= value < float("inf"):
        raise ValueError(f"{text!r} is no duration; it must not be negative or endless")
    return value


def fraction(text: str | float) -> float:
    """``30 %`` or ``0.3`` as 0.3. Raises ValueError outside 0..1."""
    words = text.strip() if isinstance(text, str) else text
    try:
        share = float(words[:-1]) / 100 if isinstance(words, str) and words.endswith("%") else float(words)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is no share; write for example '30 %' or '0.3'")
    return share


def duration_text(value: float) -> str:
    """Seconds for people: ``450 ms``, ``12.3 s``, ``20 min``, ``1 h 5 min``."""
    if value == float("inf"):
        return "∞"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s".replace(".0 s", " s")
    whole = round(value)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (secs, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


Duration = Annotated[float, BeforeValidator(seconds)]
"""Seconds, written with a unit."""
Share = Annotated[float, BeforeValidator(fraction)]
"""A fraction of 1, written as a percentage or a number."""
