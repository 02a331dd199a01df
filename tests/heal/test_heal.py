from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.errors import FaultError, PermanentError, Refused, TargetError, TemporaryError
from drillbook.events import EventKind
from drillbook.heal import HealResult
from drillbook.journal import State

from .conftest import RUN, Bench


def states(bench: Bench) -> list[str]:
    return [str(entry.state) for entry in bench.journal.entries(RUN)]


def test_everything_is_put_back_latest_first(bench: Bench) -> None:
    bench.room.values = {"lamp": "on", "door": "shut"}
    bench.set("lamp", "off")
    bench.set("door", "open")
    result = bench.heal()
    assert bench.room.values == {"lamp": "on", "door": "shut"}
    assert bench.room.log == ["restore door", "restore lamp"]
    assert result.as_json() == {"restored": 2, "remaining": 0, "gone": 0, "errors": []}
    assert states(bench) == ["healed", "healed"]


def test_a_thing_changed_twice_is_as_it_was_first(bench: Bench) -> None:
    bench.room.values = {"timeout": 30}
    bench.set("timeout", 111)
    bench.set("timeout", 222)
    assert bench.heal().restored == 2
    assert bench.room.values == {"timeout": 30}


def test_one_change_is_undone_while_the_others_stay(bench: Bench) -> None:
    bench.room.values = {"lamp": "on", "door": "shut"}
    bench.set("lamp", "off")
    bench.set("door", "open")
    bench.heal_one("lamp")
    assert bench.room.values == {"lamp": "on", "door": "open"}
    assert states(bench) == ["healed", "applied"]
    bench.heal()
    assert bench.room.log == ["restore lamp", "restore door"]


def test_a_change_on_which_a_later_one_stands_is_not_undone_out_of_turn(bench: Bench) -> None:
    bench.room.values = {"timeout": 30}
    bench.set("timeout", 111)
    bench.set("timeout", 222)
    with pytest.raises(FaultError, match="cannot be undone yet, since set timeout to 222 came after it"):
        bench.heal_one("timeout")
    assert bench.room.values == {"timeout": 222}
    assert bench.heal().restored == 2


def test_a_change_that_cannot_be_undone_now_stays_open(bench: Bench) -> None:
    def refuse(key: str) -> None:
        raise PermanentError(f"{key} is stuck", do="wait")

    bench.set("lamp", "off")
    bench.room.on_restore = refuse
    with pytest.raises(PermanentError, match="lamp is stuck"):
        bench.heal_one("lamp")
    assert states(bench) == ["applied"]


def test_healing_again_does_nothing(bench: Bench) -> None:
    bench.set("lamp", "off")
    bench.heal()
    assert bench.heal() == HealResult()
    assert bench.room.log == ["restore lamp"]


def test_a_finished_change_is_restored_without_waiting(bench: Bench) -> None:
    bench.set("lamp", "off")
    before = bench.clock.monotonic()
    bench.heal()
    assert bench.clock.monotonic() == before


def test_a_call_in_flight_lands_before_the_restore(bench: Bench) -> None:
    bench.room.values = {"lamp": "on"}
    bench.set_and_die("lamp", "off", lands=1.5, settle=2.0)
    assert bench.heal().restored == 1
    bench.clock.sleep(100)
    assert bench.room.read("lamp") == "on"
    assert bench.room.log == ["restore lamp"]


def test_without_a_settle_time_the_call_in_flight_would_win(bench: Bench) -> None:
    bench.room.values = {"lamp": "on"}
    bench.set_and_die("lamp", "off", lands=1.5, settle=0.0)
    assert bench.heal().restored == 1
    bench.clock.sleep(100)
    assert bench.room.read("lamp") == "off"


def test_a_call_later_than_promised_is_seen_by_the_second_look_and_undone(bench: Bench) -> None:
    bench.room.values = {"lamp": "on"}
    bench.set_and_die("lamp", "off", lands=3.0, settle=2.0)
    assert bench.heal().restored == 1
    bench.clock.sleep(100)
    assert bench.room.read("lamp") == "on"
    assert bench.room.log == ["restore lamp", "restore lamp"]
    assert any("a late call undid the restore of: set lamp to off" in event.name for event in bench.events.events)


def test_something_that_keeps_undoing_the_restore_is_named(bench: Bench) -> None:
    bench.set_and_die("lamp", "off", lands=1.0)
    bench.room.on_restore = lambda key: bench.room.late.append((bench.clock.monotonic() + 1.5, key, "off"))
    result = bench.heal()
    assert (result.restored, result.remaining) == (0, 1)
    assert "did not stay so" in result.errors[0]


def test_only_the_rest_of_the_settle_time_is_waited(bench: Bench) -> None:
    from .conftest import Dies

    with pytest.raises(KeyboardInterrupt):
        bench.set("lamp", "off", kind=Dies, settle=10.0)
    bench.clock.sleep(7)
    began = bench.clock.monotonic()
    assert bench.heal().restored == 1
    assert bench.clock.monotonic() - began == pytest.approx(3 + 10)


def test_how_long_ago_an_unknown_death_was_does_not_shorten_the_wait(bench: Bench) -> None:
    """The intent may be old and its last call young."""
    bench.set_and_die("lamp", "off", lands=101, settle=2.0)
    bench.clock.sleep(100)
    assert bench.heal().restored == 1
    bench.clock.sleep(100)
    assert bench.room.read("lamp") is None
    assert bench.room.log == ["restore lamp"]


def test_one_that_fails_does_not_stop_the_others(bench: Bench) -> None:
    bench.room.values = {"lamp": "on", "door": "shut", "oven": "cold"}
    for key in ("lamp", "door", "oven"):
        bench.set(key, "broken")

    def stuck(key: str) -> None:
        if key == "door":
            raise ZeroDivisionError("a bug in restore")

    bench.room.on_restore = stuck
    result = bench.heal()
    assert result.as_json() == {
        "restored": 2, "remaining": 1, "gone": 0, "errors": ["set door to broken: a bug in restore"],
    }  # fmt: skip
    assert not result.ok
    assert bench.room.values == {"lamp": "on", "door": "broken", "oven": "cold"}
    bench.room.on_restore = lambda _: None
    assert bench.heal().as_json()["remaining"] == 0
    assert bench.room.values["door"] == "shut"


def test_what_lies_under_a_failed_restore_is_restored_but_stays_open(bench: Bench) -> None:
    bench.room.values = {"timeout": 30}
    bench.set("timeout", 111)
    bench.set("timeout", 222)
    failing = [PermanentError("no")]

    def fail_once(_: str) -> None:
        if failing:
            raise failing.pop()

    bench.room.on_restore = fail_once
    first = bench.heal()
    assert bench.room.values == {"timeout": 30}
    assert (first.restored, first.remaining) == (0, 2)
    assert bench.heal().restored == 2
    assert bench.room.values == {"timeout": 30}


def test_a_change_that_does_not_say_what_it_touches_may_have_touched_anything(bench: Bench) -> None:
    bench.room.values = {"timeout": 30}
    bench.set("timeout", 111)
    bench.set("lamp", 222, touches=[])
    failing = [PermanentError("no")]
    bench.room.on_restore = lambda _: (_ for _ in ()).throw(failing.pop()) if failing else None
    assert bench.heal().remaining == 2


def test_a_restore_that_fails_temporarily_is_tried_again(bench: Bench) -> None:
    bench.set("lamp", "off")
    failing = [TemporaryError("throttled"), TemporaryError("throttled")]

    def throttled(_: str) -> None:
        if failing:
            raise failing.pop()

    bench.room.on_restore = throttled
    assert bench.heal().restored == 1
    assert bench.room.log == ["restore lamp"] * 3


def test_a_restore_that_cannot_be_read_back_is_not_healed(bench: Bench) -> None:
    bench.set("lamp", "off")
    bench.room.on_restore = lambda key: bench.room.late.append((bench.clock.monotonic(), key, "off"))
    result = bench.heal()
    assert result.remaining == 1
    assert "reading back that set lamp to off is restored did not happen within 60 s" in result.errors[0]
    assert states(bench) == ["applied"]


def test_what_came_back_just_after_a_restore_is_restored_again(bench: Bench) -> None:
    """As a region's last writes do, which arrive when the region is back."""
    bench.set("lamp", "off")
    arriving = ["off"]

    def arrives(key: str) -> None:
        if arriving:
            bench.room.late.append((bench.clock.monotonic(), key, arriving.pop()))

    bench.room.on_restore = arrives
    assert bench.heal().restored == 1
    assert bench.room.log == ["restore lamp"] * 2


def test_a_world_that_no_longer_exists_is_closed_as_gone(bench: Bench) -> None:
    bench.set("lamp", "off")
    bench.connect = lambda _: None
    assert bench.heal().as_json() == {"restored": 0, "remaining": 0, "gone": 1, "errors": []}
    assert states(bench) == [str(State.GONE)]
    bench.journal.refuse_if_open()


def test_a_world_that_cannot_be_reached_now_stays_open(bench: Bench) -> None:
    def unreachable(_: Any) -> None:
        raise TargetError("http://127.0.0.1:1 does not answer", do="start it")

    bench.set("lamp", "off")
    bench.connect = unreachable
    assert bench.heal().errors == ("set lamp to off: http://127.0.0.1:1 does not answer — start it",)
    assert states(bench) == ["applied"]


def test_only_one_runs_changes_may_be_healed(bench: Bench) -> None:
    bench.set("lamp", "off")
    assert bench.heal(run_id="another").restored == 0
    assert bench.heal(run_id=RUN).restored == 1


def test_a_run_at_work_in_another_process_is_left_alone_unless_forced(bench: Bench) -> None:
    bench.set("lamp", "off")
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        from drillbook.liveness import birth_of

        with bench.journal._file.transaction() as connection:
            connection.execute("update runs set pid = ?, birth = ?", (other.pid, birth_of(other.pid)))
        with pytest.raises(Refused, match=f"run {RUN} is at work in process {other.pid}"):
            bench.heal()
        assert bench.room.values == {"lamp": "off"}
        assert bench.heal(force=True).restored == 1
    finally:
        other.kill()
        other.communicate()


def test_the_healing_is_told(bench: Bench) -> None:
    bench.set_and_die("lamp", "off", lands=1.0)
    bench.heal()
    told = [event.name for event in bench.events.events if event.kind is EventKind.NOTE]
    assert told == ["waiting 2 s for calls that may be in flight: set lamp to off"] * 2
    moves = [event.data["state"] for event in bench.events.events if event.kind is EventKind.JOURNAL]
    assert moves == ["intent", "healed"]


class Killed(BaseException):
    """The healer is gone from here on."""


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.booleans()), min_size=1, max_size=6),
    kills=st.lists(st.integers(0, 8), max_size=3),
)
def test_however_often_the_healer_is_killed_the_next_one_finishes(
    bench: Bench, changes: list[tuple[str, int, bool]], kills: list[int]
) -> None:
    original = {"a": 100, "b": 200, "c": 300}
    bench.room.values = dict(original)
    for key, to, dies in changes:
        if dies:
            bench.set_and_die(key, to, lands=1.0)
            bench.clock.sleep(3)
            bench.room.read(key)
        else:
            bench.set(key, to)
    for after in kills:
        left = [after]

        def kill(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        bench.room.on_restore = kill
        try:
            bench.heal()
        except Killed:
            assert bench.journal.open_entries()
    bench.room.on_restore = lambda _: None
    assert bench.heal().remaining == 0
    assert bench.room.values == original
