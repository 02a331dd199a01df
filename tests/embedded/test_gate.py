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
