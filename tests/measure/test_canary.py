from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from drillbook.clock import SystemClock
from drillbook.errors import DrillBroken
from drillbook.measure.canary import Canary, LiveState
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.cleanup import cleanup
from drillbook.measure.final import Final, read_final
from drillbook.measure.front_door import HttpFrontDoor
from drillbook.measure.history import ABSENT, Kind, Op, Res, read
from drillbook.measure.judge import judge
from drillbook.measure.rto import State
from drillbook.measure.run import Run
from drillbook.objective import Basis, Interval
from drillbook.waiting import wait_for

CLOCK = SystemClock()
SETTINGS = CanarySettings("test", rate=20.0, timeout=1.0)


@pytest.fixture
def canary(service: Any, tmp_path: Path) -> Iterator[Canary]:
    started = Canary.start(service.front_door, SETTINGS, tmp_path / "history.jsonl", slow=0.5)
    yield started
    started.kill()


def door(service: Any) -> HttpFrontDoor:
    return HttpFrontDoor(service.front_door, timeout=1.0, clock=CLOCK)


def until(what: str, look: Any, timeout: float = 20.0) -> None:
    wait_for(what, look, timeout=timeout, clock=CLOCK, interval=0.02)


def test_a_canary_measures_an_outage_and_cleans_up_after_itself(canary: Canary, service: Any) -> None:
    until("a baseline", lambda: canary.tail().good_for > 1.5)
    began = CLOCK.monotonic()
    service.down = lambda method, path: 503
    until("bad operations", lambda: len(canary.tail().bad_kinds) >= 3)
    service.down = lambda method, path: None
    ended = CLOCK.monotonic()
    until("recovery", lambda: canary.tail().good_for > 1.5)
    end = CLOCK.monotonic()
    assert canary.stop()
    history = read(canary.out)
    final = read_final(door(service), history, CLOCK)
    run = Run(Interval(began, began), end, hold=1.0, slow=0.5, rate=20.0, timeout=1.0, basis=Basis.MEASURED_LOCAL)
    judged = judge(history, final, run)
    assert judged.rto.state is State.RECOVERED
    assert ended - began in judged.rto.interval
    assert not judged.losses.lost
    assert cleanup(door(service), history, CLOCK).left == ()
    assert service.items == {}
    assert cleanup(door(service), history, CLOCK).left == (), "cleaning up twice is no harm"


def test_the_history_tells_the_settings_and_hides_the_headers(service: Any, tmp_path: Path) -> None:
    front_door = {**service.front_door, "probe": {"path": "/items", "headers": {"Authorization": "Bearer s3cret"}}}
    canary = Canary.start(front_door, SETTINGS, tmp_path / "h.jsonl")
    try:
        assert "s3cret" not in " ".join(psutil.Process(canary.pid).cmdline())
    finally:
        assert canary.stop()
    assert read(canary.out).header["settings"] == SETTINGS.as_json()
    assert not any(b"s3cret" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_killed_canary_leaves_a_history_without_an_end(canary: Canary, service: Any) -> None:
    until("some operations", lambda: canary.tail().acknowledged > 5)
    os.kill(canary.pid, signal.SIGKILL)
    until("its death", lambda: not canary.alive)
    assert not canary.stop()
    history = read(canary.out, live=True)
    assert not history.ended
    assert cleanup(door(service), history, CLOCK).left == ()
    assert service.items == {}


def test_a_canary_stops_when_whoever_started_it_dies(service: Any, tmp_path: Path) -> None:
    script = (
        "import json, sys, pathlib; from drillbook.measure.canary import Canary;"
        "from drillbook.measure.canary_settings import CanarySettings;"
        "c = Canary.start(json.loads(sys.argv[1]), CanarySettings('x', timeout=0.5), pathlib.Path(sys.argv[2]));"
        "print(c.pid, flush=True); sys.stdin.read()"
    )
    out = tmp_path / "h.jsonl"
    command = [sys.executable, "-c", script, json.dumps(service.front_door), str(out)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=paths)
    with parent:
        assert parent.stdout is not None
        process = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    until("the canary's end", lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    assert read(out).ended


def test_a_hanging_service_does_not_slow_the_schedule(canary: Canary, service: Any) -> None:
    until("some operations", lambda: canary.tail().ops > 10)
    service.delay = 1.5
    until("operations that hang", lambda: canary.tail().bad > 20)
    service.delay = 0.0
    assert canary.stop()
    hanging = [op for op in read(canary.out).ops if op.res is Res.INFO]
    assert {op.status for op in hanging} == {"no answer within 1 s"}
    late = sorted(op.sent - op.due for op in read(canary.out).ops)
    assert late[len(late) // 2] < 0.05


def test_a_refused_connection_is_written_down_as_a_definite_failure(canary: Canary, service: Any) -> None:
    until("some operations", lambda: canary.tail().ops > 10)
    service.close()
    until("refusals", lambda: canary.tail().bad > 5)
    assert canary.stop()
    last = max(read(canary.out).ops, key=lambda op: op.sent)
    assert (last.res, last.status) == (Res.FAIL, "connection refused")


def test_a_lost_record_is_seen_as_missing(canary: Canary, service: Any) -> None:
    until("some records", lambda: canary.tail().acknowledged > 10)
    service.items.clear()
    until("missing records", lambda: len(canary.tail().missing) > 0)
    assert canary.stop()
    assert any(op.stale and op.seen == ABSENT for op in read(canary.out).ops)


def _noted(*ops: tuple[Kind, Res, int | None, float]) -> LiveState:
    """What is known after these operations on one record, a second apart: kind, outcome, what was shown, latency."""
    state = LiveState(slow=0.5)
    for i, (f, res, seen, latency) in enumerate(ops):
        state.note(Op(i, f, "a", 1, float(i), float(i), i + latency, res, seen=seen))
    return state


def test_a_record_that_a_late_answer_shows_is_no_longer_missing_and_reading_is_yet_to_be_proven() -> None:
    missed, late, well = ((Kind.READ, Res.OK, *rest) for rest in ((ABSENT, 0.1), (1, 0.9), (1, 0.1)))
    assert (_noted(missed).missing, _noted(missed).unproven) == ({"a"}, set())
    assert (_noted(missed, late).missing, _noted(missed, late).unproven) == (set(), {Kind.READ})
    assert _noted(missed, late, well).unproven == set()


def test_a_write_that_found_no_record_must_go_well_again_and_does_not_interrupt_the_good_time() -> None:
    refused, written = (Kind.UPDATE, Res.FAIL, ABSENT, 0.1), (Kind.UPDATE, Res.OK, None, 0.1)
    state = _noted(written, refused)
    assert (state.missing, state.unproven, state.bad, state.good_for) == ({"a"}, {Kind.UPDATE}, 0, 1.0)
    assert _noted(written, refused, written).unproven == set()


def test_a_late_answer_interrupts_the_good_time_whatever_it_shows() -> None:
    assert _noted((Kind.READ, Res.OK, 1, 0.1), (Kind.READ, Res.OK, ABSENT, 0.9)).good_for == 0.0


@pytest.mark.parametrize("front_door", [{"url": "http://127.0.0.1:1"}, {"probe": {"path": "/"}}])
def test_a_canary_that_cannot_start_says_why(front_door: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DrillBroken, match=r"the canary did not start: .*front_door"):
        Canary.start(front_door, SETTINGS, tmp_path / "h.jsonl")


def test_a_canary_does_not_overwrite_a_history(service: Any, tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").write_text("evidence")
    with pytest.raises(DrillBroken, match="File exists"):
        Canary.start(service.front_door, SETTINGS, tmp_path / "h.jsonl")
    assert (tmp_path / "h.jsonl").read_text() == "evidence"


def test_the_final_state_is_read_from_the_front_door(service: Any, canary: Canary, tmp_path: Path) -> None:
    until("some records", lambda: canary.tail().acknowledged > 10)
    assert canary.stop()
    history = read(canary.out)
    keys = list(dict.fromkeys(op.key for op in history.ops if op.f is Kind.INSERT))
    service.items.pop(keys[0], None)
    service.items[keys[1]] = {"id": keys[1], "name": "nonsense"}
    service.items["somebody else's"] = {"id": "somebody else's"}
    service.down = lambda method, path: 500 if path.endswith(keys[2]) else None
    final = read_final(door(service), history, CLOCK, attempts=2, pause=0.01)
    assert [final.keys[key] for key in keys[:3]] == [0, -1, None]
    assert final.listed is not None
    assert "somebody else's" not in final.listed
    final.write(tmp_path / "final.json")
    assert Final.load(tmp_path / "final.json") == final


@pytest.mark.slow
def test_of_a_service_that_is_down_not_every_record_is_asked_for(
    service: Any, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillbook.measure.final.GIVE_UP", 4)
    until("enough records", lambda: canary.tail().acknowledged > 40)
    assert canary.stop()
    history = read(canary.out)
    asked = []

    def down(method: str, path: str) -> int:
        asked.append(path)
        return 503

    service.down = down
    final = read_final(door(service), history, CLOCK, attempts=1, pause=0.0)
    assert set(final.keys.values()) == {None}
    assert 4 <= len(asked) < len(final.keys)
