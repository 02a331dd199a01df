"""When a drill may begin, and when it goes on: the promise of the service file, held against what clients see."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drillbook.clock import VirtualClock
from drillbook.errors import UsageError, WaitTimeout
from drillbook.events import EventKind, EventStream
from drillbook.instrument import Instrument
from drillbook.measure.canary import Canary, LiveState
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.history import Kind, Op, Res
from drillbook.probe import Reading
from drillbook.steadiness import Steadiness
from drillbook.steady_promise import SteadyPromise

RATE, HOLD, SLOW = 10.0, 10.0, 0.5
LENIENT = SteadyPromise(availability=0.99, p95=0.3, errors=0.01)
STRICT = SteadyPromise(probes=("up",))


class Scripted:
    """A canary whose every operation is told: ``good(i)`` is the answer of the i-th, or None for no answer yet."""

    def __init__(self, clock: VirtualClock, answer: Callable[[int], Op | None]) -> None:
        self.settings, self.alive = CanarySettings("t", rate=RATE, timeout=2.0), True
        self._clock, self._answer, self._next = clock, answer, 0
        self._state = LiveState(SLOW, recent=deque(maxlen=500))

    def tail(self) -> LiveState:
        while self._next / RATE + SLOW <= self._clock.monotonic():
            if op := self._answer(self._next):
                self._state.note(op)
            self._next += 1
        return self._state


def op(i: int, res: Res = Res.OK, latency: float = 0.01, seen: int = 1) -> Op:
    due = i / RATE
    return Op(i, Kind.READ, "k", 1, due, due, due + latency, res, "HTTP 200" if res is Res.OK else "HTTP 500", seen)


def drill(answer: Callable[[int], Op | None], promise: SteadyPromise = LENIENT) -> tuple[Instrument, Steadiness, Any]:
    """An instrument, the drill's steadiness, and what it kept (``seen``) with its world."""
    clock = VirtualClock()
    told = SimpleNamespace(hold=HOLD, slow=SLOW, timeout=2.0)
    service = SimpleNamespace(name="shop", canary=told, steady_state=promise)
    world = SimpleNamespace(service=service, clock=clock, events=EventStream(clock), seen={})
    instrument = Instrument(cast(Any, world), cast(Canary, Scripted(clock, answer)), cast(Any, Path()))
    up = SimpleNamespace(read=lambda: Reading(True, "HTTP 200"))
    return instrument, Steadiness(cast(Any, world), lambda _: cast(Any, up), world.seen), world


def one_in(number: int) -> Callable[[int], Op]:
    return lambda i: op(i, Res.INFO if i % number == number - 1 else Res.OK)


def test_one_bad_request_in_a_hundred_is_within_a_promise_of_99_percent() -> None:
    instrument, steadiness, world = drill(one_in(100))
    steadiness.before(instrument, timeout=30)
    assert world.seen["before"]["words"]["availability"] == "99 % of 100 requests were answered well"
    assert world.seen["before"]["clients"]["errors"] == 1


def test_without_tolerances_one_bad_request_starts_the_hold_time_again() -> None:
    instrument, steadiness, _ = drill(one_in(90), STRICT)
    with pytest.raises(WaitTimeout, match="of 100 requests were answered well"):
        steadiness.before(instrument, timeout=40)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (one_in(20), r"95 % of 100 requests were answered well; 5 % of 100 requests ended in an error"),
        (lambda i: op(i, latency=0.4), r"95 % of answers came within 400 ms"),
        (lambda i: op(i) if i < 50 else None, r"too few requests yet|no answer for"),
        (lambda i: op(i) if i < 150 else None, r"no answer for \d"),
    ],
    ids=["too many errors", "too slow", "silent before the hold time", "silent after it"],
)
def test_what_is_outside_its_tolerance_or_unknown_is_not_steady(answer: Any, why: str) -> None:
    instrument, steadiness, world = drill(answer)
    world.clock.sleep(30)
    with pytest.raises(WaitTimeout, match=why):
        steadiness.before(instrument, timeout=20)
    assert world.seen == {}


def test_a_missing_record_is_no_baseline_but_says_nothing_after_a_recovery() -> None:
    def forgets_some(i: int) -> Op:
        return op(i, seen=0 if i % 10 == 0 else 1)

    instrument, steadiness, _ = drill(forgets_some)
    with pytest.raises(WaitTimeout, match="90 % of 100 requests"):
        steadiness.before(instrument, timeout=20)
    instrument, steadiness, world = drill(forgets_some)
    steadiness.after(instrument, timeout=40)
    assert world.seen["after"]["words"]["availability"] == "100 % of 90 requests were answered well"


def test_after_a_recovery_the_judge_must_have_seen_a_hold_time_without_a_bad_request() -> None:
    instrument, steadiness, _ = drill(one_in(100))
    with pytest.raises(WaitTimeout, match="read answered HTTP 500"):
        steadiness.after(instrument, timeout=60)


def test_a_dead_canary_holds_nothing_up() -> None:
    instrument, steadiness, world = drill(one_in(100))
    cast(Any, instrument)._canary.alive = False
    steadiness.before(instrument, timeout=1)
    assert world.seen["before"]["clients"] is None


def test_the_first_look_after_recovery_is_kept_and_told() -> None:
    instrument, steadiness, world = drill(op, SteadyPromise(availability=0.99, probes=("up",)))
    steadiness.after(instrument, timeout=30)
    kept = world.seen["after"]
    steadiness.after(instrument, timeout=30)
    assert world.seen["after"] is kept
    assert kept["words"]["up"] == "HTTP 200"
    told = {event.name for event in world.events.events if event.kind is EventKind.READING}
    assert "at least 99 % of requests are answered well, within 500 ms" in told


def test_nothing_to_look_at_is_a_mistake_of_the_service_file() -> None:
    with pytest.raises(UsageError, match="declares no steady state"):
        drill(op, SteadyPromise())[1].before(None, timeout=1)
    with pytest.raises(UsageError, match="declares no steady state"):
        drill(op)[1].before(None, timeout=1)
