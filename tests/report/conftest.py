"""A made-up drill whose every number is known: a bad deployment at 5 s, rolled back, judged by the real judge."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drillbook.clock import VirtualClock
from drillbook.events import EventKind, EventStream
from drillbook.measure.final import Final
from drillbook.measure.history import HistoryWriter, Kind, Op, Res, read
from drillbook.measure.judge import judge
from drillbook.measure.run import Check, Run
from drillbook.objective import Basis, Interval, Objective, ObjectiveKind
from drillbook.report import results
from drillbook.report.evidence import EvidenceWriter, Findings

FAULT, DETECTED, DECIDED, END = 5.0, 7.4, 7.5, 12.0
RATE = 20.0


@dataclass(frozen=True)
class MadeUp:
    """What is true in the made-up world."""

    back: float = 8.6
    """When answers are good again."""
    lost: int = 0
    """How many of the first keys are gone afterwards."""
    basis: Basis = Basis.EMULATED
    rpo: float = 3600.0
    name: str = "A bad deployment breaks the product list"
    sabotage: str = ""
    checks: tuple[Check, ...] = (Check("products are intact", True, "200 of 200 products as before"),)
    more: dict[str, Any] = field(default_factory=dict)
    """Entries of the result that the drill adds to the judge's."""

    @property
    def run(self) -> Run:
        source = "features/product-lambda/function_failure.feature"
        return Run(
            fault=Interval(FAULT - 0.02, FAULT),
            end=END,
            hold=2.0,
            slow=1.0,
            rate=RATE,
            timeout=2.0,
            basis=self.basis,
            objectives=(
                Objective(ObjectiveKind.RTO, 300.0, f"{source}:17"),
                Objective(ObjectiveKind.RPO, self.rpo, f"{source}:18"),
            ),
            checks=self.checks,
            detect=DETECTED,
            declare=DECIDED,
            exec0=DECIDED,
            exec1=8.9,
        )

    def operations(self) -> Iterator[Op]:
        for number in range(int(END * RATE)):
            due = number / RATE
            kind = (Kind.PROBE, Kind.READ, Kind.PROBE, Kind.INSERT)[number % 4]
            reading = kind in (Kind.PROBE, Kind.READ)
            bad = reading and FAULT <= due < self.back
            key = "" if kind is Kind.PROBE else f"canary-7f3a-{max(3, number - 2) if kind is Kind.READ else number}"
            known = kind is Kind.READ and number > 3
            yield Op(
                i=number,
                f=kind,
                key=key,
                ver=1 if kind is Kind.INSERT or known else 0,
                due=due,
                sent=due + 0.001,
                done=due + 0.015 + (number % 5) / 200,
                res=Res.INFO if bad else Res.OK,
                status="HTTP 502" if bad else "HTTP 200",
                seen=(1 if known else 0) if kind is Kind.READ and not bad else None,
            )

    def final(self) -> Final:
        keys: dict[str, int | None] = {op.key: 1 for op in self.operations() if op.f is Kind.INSERT}
        gone = list(keys)[1 : 1 + self.lost]
        return Final(keys | dict.fromkeys(gone, 0), None, END, "2026-01-01T00:00:12.000Z")

    def drill(self) -> dict[str, Any]:
        return {
            "service": "product-lambda",
            "title": "Product catalogue API",
            "drill": self.name,
            "feature": "features/product-lambda/function_failure.feature",
            "target": "embedded",
            "basis": str(self.basis),
            "run_id": "20260101-000000-7f3a",
            "speed": 100.0,
            "sabotage": self.sabotage,
            "blast_radius": ["arn:aws:lambda:af-south-1:111122223333:function:product-list"],
            "versions": {"drillbook": "0.1.0", "python": "3.11.7", "boto3": "1.44.5"},
            "run": self.run.as_json(),
        }

    def write(self, directory: Path) -> dict[str, Any]:
        """Write the evidence directory; return the result."""
        clock = VirtualClock()
        events = EventStream(clock)
        writer = EvidenceWriter(directory, events)
        tell(events, clock)
        with HistoryWriter(writer.history, {"rate": RATE}, VirtualClock()) as history:
            for op in self.operations():
                history.op(op)
            history.end()
        self.final().write(writer.final)
        judgement = judge(read(writer.history), self.final(), self.run).as_json()
        told = {**judgement, **self.more}
        result = results.entry(self.drill(), told, left_over=[], evidence=directory.name, seconds=END)
        checks = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in self.checks]
        result["root"] = writer.finish(Findings(self.drill(), result, checks, CONFIGURATION, JOURNAL))
        return result


CONFIGURATION = [
    {
        "name": "restored table",
        "source": "products",
        "restored": "products-20260101",
        "differences": [{"path": "ttl.enabled", "source": True, "restored": False}],
    }
]
JOURNAL = [
    {
        "record": "change",
        "id": 1,
        "what": "deploy a broken handler to product-list",
        "state": "healed",
        "at": "2026-01-01T00:00:04.900Z",
        "moved": "2026-01-01T00:00:11.500Z",
        "touches": ["function product-list"],
    },
    {"record": "fact", "key": "restored-table", "value": "products-20260101"},
]


def tell(events: EventStream, clock: VirtualClock) -> None:
    """Emit the drill's events as a drill does."""

    def at(moment: float) -> None:
        clock.sleep(moment - clock.monotonic())

    def call(name: str, actor: str, **data: Any) -> None:
        request = f"{len(events.events):08x}-0000-4000-8000-000000000000"
        events.emit(EventKind.CALL, name, actor=actor, request_id=request, **{"seconds": 0.012, "status": 200, **data})

    events.emit(EventKind.STARTED, "A bad deployment breaks the product list", service="product-lambda")
    for name in ("preflight", "stand up", "baseline"):
        events.emit(EventKind.STAGE, name)
    events.emit(EventKind.NOTE, "blast radius rail: 1 resource, function product-list", rail="blast radius")
    at(2.1)
    events.emit(EventKind.INSTANT, "t_baseline")
    events.emit(EventKind.READING, "function errors alarm", ok=True, value="OK")
    at(4.9)
    events.emit(EventKind.STAGE, "inject")
    events.emit(EventKind.JOURNAL, "deploy a broken handler", id=1, state="intent")
    call("lambda.UpdateFunctionCode", "fault")
    events.emit(EventKind.JOURNAL, "deploy a broken handler", id=1, state="applied")
    at(FAULT)
    events.emit(EventKind.INSTANT, "t_inject")
    events.emit(EventKind.STAGE, "detect")
    call("cloudwatch.DescribeAlarms", "probe")
    at(DETECTED)
    events.emit(EventKind.READING, "function errors alarm", ok=False, value="ALARM")
    events.emit(EventKind.INSTANT, "t_detect")
    at(DECIDED)
    events.emit(EventKind.INSTANT, "t_declare")
    events.emit(EventKind.STAGE, "recover")
    events.emit(EventKind.INSTANT, "t_exec0")
    steps = (("find the artifact that worked", 0.3, 30.0), ("roll back", 0.9, 60.0), ("check", 0.2, 0.1))
    for name, seconds, budget in steps:
        data = {"plan": "roll back function", "phase": "recover", "budget": budget}
        events.emit(EventKind.STEP_STARTED, name, manual=False, **data)
        call("lambda.UpdateFunctionCode", "recovery")
        clock.sleep(seconds)
        ended = {"seconds": seconds, "outcome": "done", "attempts": 1, "error": ""}
        events.emit(EventKind.STEP_ENDED, name, **data, **ended)
    events.emit(EventKind.INSTANT, "t_exec1")
    events.emit(EventKind.STAGE, "verify")
    call("cloudwatch.DescribeAlarms", "probe", status=400, error="ThrottlingException")
    at(11.0)
    events.emit(EventKind.INSTANT, "t_verified")
    events.emit(EventKind.READING, "function errors alarm", ok=True, value="OK")
    events.emit(EventKind.CHECK, "products are intact", ok=True, detail="200 of 200 products as before")
    events.emit(EventKind.STAGE, "heal")
    events.emit(EventKind.JOURNAL, "deploy a broken handler", id=1, state="healed")
    at(END)
    events.emit(EventKind.ENDED, "")


@pytest.fixture(scope="session")
def made_up() -> Callable[..., MadeUp]:
    """Makes a made-up drill; what is not given is as in one that passes."""
    return MadeUp


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence of a drill that passed. To read, not to change."""
    directory = tmp_path_factory.mktemp("pristine") / "a-bad-deployment"
    MadeUp().write(directory)
    return directory


@pytest.fixture
def evidence(tmp_path: Path, pristine: Path) -> Path:
    """The evidence of a drill that passed, to be tampered with."""
    return Path(shutil.copytree(pristine, tmp_path / pristine.name))
