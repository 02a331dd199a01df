"""Does the measured RTO contain the truth? Real canaries against a real server whose outages are known.

    python bench/rto.py [--rates 5 20 50] [--outages 70] [--no-starvation] [--json FILE]

Each rate has a server and a canary of its own, all at the same time. The server decides for each request, when it has
read it, whether it is down: that instant and the schedule are the truth. Outages answer 503, hang, reset the
connection, or concern only writes. Prints how many intervals contained the truth, their width, and the CPU of the
canary; then the same under CPU starvation, where the verdict must be INVALID. All times are in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from drillbook.clock import SystemClock
from drillbook.measure.canary import Canary
from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.final import Final, read_final
from drillbook.measure.front_door import HttpFrontDoor
from drillbook.measure.health import health
from drillbook.measure.history import History, read
from drillbook.measure.judge import judge
from drillbook.measure.rto import Rto, State, rto
from drillbook.measure.run import Run
from drillbook.measure.sight import sightings
from drillbook.objective import Basis, Interval, Objective, ObjectiveKind, Verdict

clock = SystemClock()
SLOW, TIMEOUT, MODES = 0.5, 1.0, ("503", "hang", "reset", "writes")
TEMPLATES = {
    "write": {"method": "POST", "path": "/items", "json": {"id": "{key}", "v": "{version}"}},
    "update": {"method": "PUT", "path": "/items/{key}", "json": {"id": "{key}", "v": "{version}"}},
    "delete": {"method": "DELETE", "path": "/items/{key}", "ok": [200]},
    "read": {"path": "/items/{key}", "version": "$.v", "absent": [404]},
    "probe": {"path": "/"},
}


@dataclass(frozen=True)
class Outage:
    """Instants are monotonic seconds."""

    start: float
    end: float
    mode: str


class Server:
    """Serves records from memory, and obeys a schedule of outages."""

    def __init__(self, outages: list[Outage]) -> None:
        self._outages, self._items = outages, dict[str, Any]()

    async def run(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the canary hung up
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path = head.split(" ")[:2]
        length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        body = json.loads(await reader.readexactly(length)) if length else {}
        mode = self._mode(method, clock.monotonic())
        if mode == "hang":
            await asyncio.sleep(2 * TIMEOUT)
        elif mode == "reset":
            writer.transport.abort()
        else:
            status, said = (503, "down") if mode else self._serve(method, path.rpartition("/")[2], body)
            content = json.dumps(said).encode()
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()

    def _mode(self, method: str, now: float) -> str:
        for outage in self._outages:
            if outage.start <= now < outage.end:
                return "" if outage.mode == "writes" and method == "GET" else outage.mode
        return ""

    def _serve(self, method: str, key: str, body: Any) -> tuple[int, Any]:
        if method in ("POST", "PUT"):
            self._items[body["id"]] = body
        elif method == "DELETE":
            self._items.pop(key, None)
        elif key:
            return (200, self._items[key]) if key in self._items else (404, None)
        return 200, "fine"


@contextmanager
def served(outages: list[Outage]) -> Iterator[dict[str, Any]]:
    """A server process, and the front door to it."""
    told = json.dumps([vars(outage) for outage in outages])
    with subprocess.Popen(
        [sys.executable, __file__, "--serve", told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield {"url": f"http://127.0.0.1:{int(process.stdout.readline())}", **TEMPLATES}
        process.kill()


def hold(rate: float) -> float:
    return max(0.8, 6 / rate)


def schedule(rate: float, count: int) -> list[Outage]:
    """Outages of several operations' length, far enough apart for each kind of operation to come back."""
    dice, at, outages = random.Random(count), clock.monotonic() + 3 + hold(rate), []
    for n in range(count):
        end = at + dice.uniform(2 / rate, 2 / rate + 0.8)
        outages.append(Outage(at, end, MODES[n % len(MODES)]))
        at = end + SLOW + hold(rate) + 20 / rate + dice.uniform(0, 1 / rate)
    return outages


@dataclass(frozen=True)
class Recorded:
    rate: float
    outages: list[Outage]
    history: History
    final: Final
    cpu: float
    """Share of one core."""

    @property
    def end(self) -> float:
        return self.outages[-1].end + SLOW + hold(self.rate) + 15 / self.rate

    def run(self, number: int) -> Run:
        """As if this outage were the only one."""
        outage = self.outages[number]
        end = self.outages[number + 1].start - 0.05 if number + 1 < len(self.outages) else self.end
        fault = Interval(outage.start, outage.start)
        objective = Objective(ObjectiveKind.RTO, 60.0)
        return Run(fault, end, hold(self.rate), SLOW, self.rate, TIMEOUT, Basis.MEASURED_LOCAL, (objective,))

    def measured(self, number: int) -> Rto:
        run = self.run(number)
        ops = [op for op in self.history.ops if op.sent >= run.fault.lo - 0.5]
        return rto(sightings(ops, SLOW), run)

    def row(self) -> dict[str, Any]:
        found = [(self.measured(n), outage.end - outage.start) for n, outage in enumerate(self.outages)]
        seen = [measured for measured, _ in found if not measured.interval.censored]
        widths = [measured.interval.width for measured in seen]
        instrument = health(self.history, sightings(self.history.ops, SLOW), self.run(0))
        return {
            "rate": self.rate,
            "outages": len(found),
            "contained": sum(truth in measured.interval for measured, truth in found),
            "censored": len(found) - len(seen),
            "no impact": sum(measured.state is State.NO_IMPACT for measured, _ in found),
            "width median": round(statistics.median(widths), 3),
            "width max": round(max(widths), 3),
            "late": round(instrument.late, 4),
            "late p99": round(instrument.late_p99, 4),
            "cpu": round(self.cpu, 4),
            "missed": [
                (n, self.outages[n].mode, truth, str(measured.interval), measured.why)
                for n, (measured, truth) in enumerate(found)
                if truth not in measured.interval
            ],
        }


@contextmanager
def hogs(count: int) -> Iterator[None]:
    # Each in a session of its own: Linux shares the CPU among sessions first, and the canary has its own.
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"], start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for hog in busy:
            hog.kill()
            hog.wait()


def record(rates: list[float], count: int, burden: int = 0) -> list[Recorded]:
    """Run every rate's canary at the same time, beside ``burden`` busy processes."""
    if not rates:
        return []
    rate, rest = rates[0], rates[1:]
    outages = schedule(rate, count)
    settings = CanarySettings("bench", rate=rate, timeout=TIMEOUT)
    with served(outages) as front_door, tempfile.TemporaryDirectory() as directory:
        canary = Canary.start(front_door, settings, Path(directory, "history.jsonl"), slow=SLOW)
        others = record(rest, count)
        with hogs(burden):
            clock.sleep(outages[-1].end + SLOW + hold(rate) + 18 / rate - clock.monotonic())
        process = psutil.Process(canary.pid)
        lived = clock.monotonic() - outages[0].start + 3 + hold(rate)
        cpu = sum(process.cpu_times()[:2]) / lived
        canary.stop()
        history = read(canary.out)
        final = read_final(HttpFrontDoor(front_door, timeout=TIMEOUT, clock=clock), history, clock)
    return [Recorded(rate, outages, history, final, cpu), *others]


def starved() -> dict[str, Any]:
    """Outages at 50 Hz beside twenty busy processes for each core, where a promise of 2 s leaves no room for delays."""
    recorded = record([50.0], 5, burden=20 * (os.cpu_count() or 1))[0]
    strict = replace(recorded.run(0), end=recorded.end, objectives=(Objective(ObjectiveKind.RTO, 2.0),))
    judged = judge(recorded.history, recorded.final, strict)
    return {"verdict": str(judged.verdict), "causes": list(judged.causes), "late": judged.health.late}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=float, nargs="+", default=[5.0, 20.0, 50.0])
    parser.add_argument("--outages", type=int, default=70, help="for each rate")
    parser.add_argument("--no-starvation", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(Server([Outage(**outage) for outage in json.loads(options.serve)]).run())
        return 0
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    rows = [recorded.row() for recorded in record(options.rates, options.outages)]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    starvation = None if options.no_starvation else starved()
    print("starvation:", starvation)
    if options.json:
        options.json.write_text(json.dumps({"rates": rows, "starvation": starvation}))
    sound = all(row["contained"] == row["outages"] for row in rows)
    return 0 if sound and (starvation is None or starvation["verdict"] == Verdict.INVALID) else 1


if __name__ == "__main__":
    sys.exit(main())
