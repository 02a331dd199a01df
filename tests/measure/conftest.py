"""A simulated service whose outage and recovery point are known, and a real one whose answers can be told."""

from __future__ import annotations

import heapq
import json
import math
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from drillbook.clock import SystemClock
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.final import Final
from drillbook.measure.history import ABSENT, WRITES, History, Kind, Op, Res
from drillbook.measure.ledger import Errand, Ledger

SETTINGS = CanarySettings("t", rate=20.0, timeout=2.0)
FRONT_DOOR = {
    "write": {
        "method": "POST",
        "path": "/items",
        "json": {"id": "{key}", "name": "canary {version}"},
        "ok": ["200", "201"],
    },
    "update": {"method": "PUT", "path": "/items/{key}", "json": {"name": "canary {version}"}, "ok": [200]},
    "delete": {"method": "DELETE", "path": "/items/{key}", "ok": [200, 204]},
    "read": {"path": "/items/{key}", "version": "$.name", "pattern": r"canary (\d+)", "absent": [404]},
    "probe": {"path": "/items", "ok": [200]},
    "list": {"path": "/items", "keys": "$[*].id"},
}


@dataclass(frozen=True)
class Scene:
    """One drill on the simulated service. Times are seconds; the canary starts at 0."""

    seed: int = 0
    rate: float = 20.0
    fault: float = 5.0
    restored: float = 8.0
    end: float = 12.0
    lag: float = 0.0
    """The recovery brings back the state of ``fault - lag``."""
    mode: str = "reject"
    """reject: 503 · accept: writes are taken and lost · corrupt: some records vanish at the fault, all else works"""
    cut_over: tuple[float, float] | None = None
    """The planned cut-over: from when to when everything is refused."""
    left_behind: float = 0.0
    """What was applied so many seconds before the cut-over or later is gone after it."""
    slowness: float = 0.02
    kinds: frozenset[Kind] = frozenset(Kind)


@dataclass
class Simulated:
    """A store with a past. ``log``: what was applied, for as long as it was not undone."""

    scene: Scene
    dice: random.Random
    log: list[tuple[float, str, int]] = field(default_factory=list)
    undone: set[tuple[str, int]] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)
    stage: int = 0

    def state(self) -> dict[str, int]:
        return {key: ver for _, key, ver in self.log if key not in self.vanished}

    def advance(self, now: float) -> None:
        if self.stage == 0 and now >= self.scene.fault:
            self.stage = 1
            if self.scene.mode == "corrupt":
                self.vanished = {key for key in self.state() if self.dice.random() < 0.4}
        if self.stage == 1 and now >= self.scene.restored:
            self.stage, self.vanished = 2, set()
            kept = [entry for entry in self.log if entry[0] <= self.scene.fault - self.scene.lag]
            self.undone = {entry[1:] for entry in self.log} - {entry[1:] for entry in kept}
            self.log = kept
        self._cut_over(now)

    def _cut_over(self, now: float) -> None:
        began, ended = self.scene.cut_over or (math.inf, math.inf)
        if self.stage == 2 and now >= began:
            self.stage = 3
        if self.stage == 3 and now >= ended:
            self.stage = 4
            kept = [entry for entry in self.log if entry[0] <= began - self.scene.left_behind]
            self.undone |= {entry[1:] for entry in self.log} - {entry[1:] for entry in kept}
            self.log = kept

    def answer(self, errand: Errand, now: float) -> tuple[Res, int | None]:
        self.advance(now)
        if self.stage == 3 or (self.stage == 1 and self.scene.mode == "reject"):
            return Res.INFO, None
        if errand.f in WRITES:
            self.log.append((now, errand.key, -errand.ver if errand.f is Kind.DELETE else errand.ver))
            self.vanished.discard(errand.key)
            return Res.OK, None
        if errand.f is Kind.READ:
            return Res.OK, max(ABSENT, self.state().get(errand.key, ABSENT))
        return Res.OK, None


def _simulate(scene: Scene) -> tuple[History, Final, Simulated]:
    dice = random.Random(scene.seed)
    store = Simulated(scene, dice)
    ledger = Ledger(CanarySettings("t", rate=scene.rate, seed=scene.seed), scene.kinds)
    ops: list[Op] = []
    agenda: list[tuple[float, int, str, Any]] = [
        (i / scene.rate, i, "send", None) for i in range(int((scene.end + 0.2) * scene.rate))
    ]
    while agenda:
        now, i, what, pending = heapq.heappop(agenda)
        if what == "send":
            pending = (ledger.next(now), now + dice.uniform(0, 0.01))
            heapq.heappush(agenda, (pending[1] + dice.uniform(0, scene.slowness), i, "apply", pending))
        elif what == "apply":
            outcome = store.answer(pending[0], now)
            heapq.heappush(agenda, (now + dice.uniform(0, scene.slowness), i, "done", (*pending, *outcome)))
        else:
            errand, sent, res, seen = pending
            ledger.note(errand, res, seen, now)
            ops.append(Op(i, errand.f, errand.key, errand.ver, i / scene.rate, sent, now, res, "", seen))
    store.advance(scene.end + 1)
    state = store.state()
    final = Final({op.key: max(ABSENT, state.get(op.key, ABSENT)) for op in ops if op.f in WRITES})
    return History({"settings": {"prefix": "canary-t-"}}, tuple(ops)), final, store


@pytest.fixture(scope="session")
def simulate() -> Callable[[Scene], tuple[History, Final, Simulated]]:
    return _simulate


@pytest.fixture(scope="session")
def scene() -> type[Scene]:
    return Scene


class Service:
    """A small HTTP service with a dictionary as its store, on a free port of the loopback."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, str]] = {}
        self.down: Callable[[str, str], int | None] = lambda method, path: None
        """The status to answer with instead, by method and path."""
        self.delay = 0.0
        service, clock = self, SystemClock()

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                clock.sleep(service.delay)
                status, said = service.answer(self.command, self.path, body)
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the base class's names

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A canary that hung up is none of this server's errors."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def front_door(self) -> dict[str, Any]:
        return {"url": self.url, **FRONT_DOOR}

    def answer(self, method: str, path: str, body: dict[str, str]) -> tuple[int, Any]:
        if status := self.down(method, path):
            return status, {"message": "Internal server error"}
        key = path.rpartition("/")[2]
        if path == "/items":
            if method == "POST":
                self.items[body["id"]] = body
            return 200, list(self.items.values())
        if method == "DELETE":
            return (204 if self.items.pop(key, None) else 404), None
        if key not in self.items:
            return 404, None
        if method == "PUT":
            self.items[key] = {"id": key, **body}
        return 200, self.items[key]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()
