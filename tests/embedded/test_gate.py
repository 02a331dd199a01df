"""The gate before all requests, and the warm-up, which is none."""

from __future__ import annotations

import threading
from typing import Any

from drillbook.clock import SystemClock
from drillbook.embedded.gate import Gate
from drillbook.embedded.warm import warm_up
from drillbook.waiting import wait_for

clock = SystemClock()


def test_nothing_is_warmed_up_while_a_world_is_loaded() -> None:
    called: list[str] = []

    def api(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        called.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b""]

    gate = Gate(clock)
    warming = threading.Thread(target=warm_up, args=(api, gate, threading.Event()), daemon=True)
    with gate.shut(1.0):
        warming.start()
        warming.join(0.2)
        assert warming.is_alive()
        assert called == []
    wait_for("the warm-up", lambda: not warming.is_alive(), timeout=10, clock=clock)
    assert len(called) > 5
    assert gate.passed == 0, "a fresh cloud is one that nobody has called"


def test_what_a_function_asks_for_its_answer_does_not_hold_a_save_up() -> None:
    gate, asked, saved = Gate(clock), threading.Event(), threading.Event()

    def invocation() -> None:
        with gate.request():
            asked.wait(10)
            with gate.request(of_function=True):
                pass

    def save() -> None:
        with gate.shut(10.0):
            saved.set()

    under_way = threading.Thread(target=invocation, daemon=True)
    under_way.start()
    wait_for("the invocation", lambda: gate.passed, timeout=10, clock=clock)
    saving = threading.Thread(target=save, daemon=True)
    saving.start()
    wait_for("the gate being shut", lambda: gate._shut, timeout=10, clock=clock)
    asked.set()
    assert saved.wait(5)


def test_a_function_that_nobody_waits_for_asks_after_the_save() -> None:
    gate, passed = Gate(clock), threading.Event()

    def background() -> None:
        with gate.request(of_function=True):
            passed.set()

    with gate.shut(1.0):
        threading.Thread(target=background, daemon=True).start()
        assert not passed.wait(0.2)
    assert passed.wait(5)
