"""What the steady state promises: as it is written, as it is told, and what it accepts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook import service as services
from drillbook.measure.traffic import Traffic
from drillbook.steady_promise import SteadyPromise, share_text
from drillbook.steady_traffic import unmet

Write = Callable[..., Path]
PROBE = "probes: {up: {run: [true]}}\n"


def promise(write: Write, text: str) -> SteadyPromise:
    return services.load(write(f"{PROBE}steady_state: {text}\n")).steady_state


def seen(well: int = 100, errors: int = 0, p95: float = 0.1, of: int = 100) -> Traffic:
    return Traffic(of, well, errors, p95, 0.0)


def test_a_list_of_probes_asks_for_every_request_too(write: Write) -> None:
    strict = promise(write, "[up]")
    assert list(strict.sentences(0.5).values()) == ["every request is answered well, within 500 ms", "“up” holds"]
    assert not unmet(strict, seen())
    assert unmet(strict, seen(99)) == "99 % of 100 requests were answered well"


def test_tolerances_are_told_in_plain_sentences(write: Write) -> None:
    told = promise(write, "{availability: 99 %, p95: 300 ms, errors: 1 %, probes: [up]}").sentences(1.0)
    assert list(told.values()) == [
        "at least 99 % of requests are answered well, within 1 s",
        "95 % of answers come within 300 ms",
        "at most 1 % of requests end in an error",
        "“up” holds",
    ]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (seen(99, 1, 0.3), ""),
        (seen(98, 1, 0.3), "98 % of 100 requests were answered well"),
        (seen(99, 2, 0.3), "2 % of 100 requests ended in an error"),
        (seen(99, 1, 0.31), "95 % of answers came within 310 ms"),
        (seen(98, 2, float("inf")), "answered well; 95 % of answers came within ∞; 2 %"),
        (seen(0, 0, 0.1, of=0), "0 % of 0 requests"),
    ],
    ids=["at the limits", "too few answered well", "too many errors", "too slow", "all of it", "nothing seen"],
)
def test_each_tolerance_is_judged_at_its_limit(write: Write, found: Traffic, why: str) -> None:
    said = unmet(promise(write, "{availability: 99 %, p95: 300 ms, errors: 1 %}"), found)
    assert why in said
    assert bool(why) == bool(said)


def test_what_is_not_declared_is_not_judged(write: Write) -> None:
    assert not unmet(promise(write, "{errors: 5 %}"), seen(10, 5, 9.0))
    assert unmet(promise(write, "{p95: 1 s}"), seen(99)), "every request, where no share is declared"


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.99, "99 %"), (0.9995, "99.95 %"), (0.99999, "almost all"), (0.0, "0 %"), (1e-5, "almost none")],
)
def test_a_share_is_never_rounded_up_to_all_or_down_to_none(share: float, text: str) -> None:
    assert share_text(share) == text
