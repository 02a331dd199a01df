from __future__ import annotations

import contextvars
import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.clock import VirtualClock
from drillbook.errors import ProbeError, UsageError, WaitTimeout
from drillbook.events import EventKind, EventStream
from drillbook.probe import Reading
from drillbook.steady_state import SteadyState

WHO = contextvars.ContextVar("who", default="nobody")


@dataclass
class Scripted:
    """Reads one of ``answers`` a second of the clock, the last for ever."""

    clock: VirtualClock
    answers: list[bool | None]
    seen: list[str] = field(default_factory=list)

    def describe(self) -> str:
        return "scripted"

    def read(self) -> Reading:
        self.seen.append(WHO.get())
        ok = self.answers[min(int(self.clock.monotonic()), len(self.answers) - 1)]
        return Reading(ok, f"read {ok}")


def steady(*scripts: list[bool | None]) -> tuple[SteadyState, VirtualClock]:
    clock = VirtualClock()
    probes = {f"probe {number}": Scripted(clock, script) for number, script in enumerate(scripts)}
    return SteadyState(probes, EventStream(clock)), clock


@pytest.mark.parametrize(("answers", "holds"), [([True, True], True), ([True, False], False), ([True, None], False)])
def test_it_holds_only_when_every_probe_says_ok(answers: list[bool | None], holds: bool) -> None:
    assert steady(*[[answer] for answer in answers])[0].holds() is holds


def test_probes_are_read_at_the_same_time() -> None:
    gate = threading.Barrier(3, timeout=5)

    class Meets(Scripted):
        def read(self) -> Reading:
            gate.wait()
            return Reading(True, "met")

    clock = VirtualClock()
    state = SteadyState({name: Meets(clock, []) for name in "abc"}, EventStream(clock))
    assert state.holds()


def test_who_is_acting_is_known_to_every_probe() -> None:
    clock = VirtualClock()
    probes = {name: Scripted(clock, [True]) for name in "ab"}
    token = WHO.set("probe")
    SteadyState(probes, EventStream(clock)).read()
    WHO.reset(token)
    assert [probe.seen for probe in probes.values()] == [["probe"], ["probe"]]


def test_a_bad_moment_starts_the_hold_time_again() -> None:
    state, clock = steady([True, True, False, True])
    held = state.wait(3, timeout=20, clock=clock, interval=0.5)
    assert 3 <= held.since < 3.6
    assert held.until >= held.since + 3


def test_no_steady_state_in_time_says_what_is_wrong() -> None:
    state, clock = steady([True], [False])
    with pytest.raises(
        WaitTimeout, match="a steady state for 1 s did not happen within 5 s; last seen: probe 1: read F"
    ):
        state.wait(1, timeout=5, clock=clock)


def test_events_tell_first_readings_and_changes_only() -> None:
    clock = VirtualClock()
    events = EventStream(clock)
    state = SteadyState({"p": Scripted(clock, [True, True, False])}, events)
    for _ in range(3):
        state.read()
        clock.sleep(1)
    assert [(event.kind, event.data["ok"]) for event in events.events] == [
        (EventKind.READING, True),
        (EventKind.READING, False),
    ]


def test_a_broken_probe_is_an_error_and_no_probe_is_one_too() -> None:
    class Broken(Scripted):
        def read(self) -> Reading:
            raise ProbeError("broken")

    clock = VirtualClock()
    with pytest.raises(ProbeError):
        SteadyState({"p": Broken(clock, [])}, EventStream(clock)).holds()
    with pytest.raises(UsageError, match="no probes"):
        SteadyState({}, EventStream(clock))


@settings(deadline=None, max_examples=60)
@given(script=st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=12), hold=st.integers(0, 4))
def test_when_it_says_steady_every_second_of_the_hold_was_good(script: list[bool | None], hold: int) -> None:
    state, clock = steady([*script, True])
    held = state.wait(hold, timeout=60, clock=clock, interval=1)
    seconds = range(int(held.since), int(held.until) + 1)
    assert all([*script, True][min(second, len(script))] is True for second in seconds)
    assert held.until - held.since >= hold
