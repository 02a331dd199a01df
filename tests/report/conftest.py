"""A made-up drill whose every number is known: the evidence of a bad deployment, rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drillbook.clock import VirtualClock
from drillbook.events import EventKind, EventStream
from drillbook.measure.history import HistoryWriter, Kind, Op, Res
from drillbook.report.evidence import EvidenceWriter, Findings

FAULT, DETECTED, DECIDED, DONE, END = 5.0, 7.4, 7.5, 8.9, 12.0
BROKEN = (FAULT, 8.6)


def made_up_result(**changes: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "service": "product-lambda",
        "drill": "A bad deployment breaks the product list",
        "feature": "A broken function is rolled back",
        "target": "embedded",
        "basis": "emulated",
        "verdict": "PASS",
        "objectives": [
            {
                "kind": "RTO",
                "seconds": 300.0,
                "source": "features/product-lambda/function_failure.feature:17",
                "verdict": "PASS",
                "measured": {"lo": 3.55, "hi": 3.61},
                "cause": "",
            },
            {
                "kind": "RPO",
                "seconds": 3600.0,
                "source": "features/product-lambda/function_failure.feature:18",
                "verdict": "PASS",
                "measured": {"lo": 0.0, "hi": 0.18},
                "cause": "",
            },
        ],
        "rto": {"lo": 3.55, "hi": 3.61, "state": "recovered", "objective": 300.0, "basis": "emulated"},
        "rpo": {"lo": 0.0, "hi": 0.18, "objective": 3600.0, "basis": "emulated"},
        "phases": {"detect": 2.4, "decide": 0.1, "execute": 1.4, "propagate": 0.0, "verify": 2.0},
        "windows": [{"start": {"lo": 5.0, "hi": 5.05}, "end": {"lo": 8.55, "hi": 8.61}, "bad": 31}],
        "lost": {
            "lost": 0, "stale": 0, "resurrected": 0, "recovered": 2, "phantom": 0, "duplicated": 0,
            "unexpected": 0, "unreadable": 0, "lost_before": 0, "lost_during": 0, "examples": [],
        },
        "latency": {"p50": 0.012, "p95": 0.031, "p99": 0.084, "max": 0.41},
        "health": {"ok": True, "late_p99": 0.006, "late_share": 0.001, "longest_gap": 0.07, "operations": 240},
        "causes": [],
        "leftovers": [],
        "seconds": 12.0,
    }  # fmt: skip
    return {**result, **changes}


def made_up_drill(**changes: Any) -> dict[str, Any]:
    return {
        "service": "product-lambda",
        "title": "Product catalogue API",
        "drill": "A bad deployment breaks the product list",
        "feature": "A broken function is rolled back",
        "target": "embedded",
        "basis": "emulated",
        "run_id": "20260101-000000-7f3a",
        "speed": 100.0,
        "sabotage": None,
        "blast_radius": ["arn:aws:lambda:af-south-1:111122223333:function:product-list"],
        "versions": {"drillbook": "0.1.0", "python": "3.11.7", "boto3": "1.44.5", "moto": "5.2.5"},
        "run": {"slow": 1.0, "rate": 20.0, "checks": [{"name": "products are intact", "ok": True, "detail": ""}]},
        **changes,
    }


def write_history(path: Path) -> None:
    with HistoryWriter(path, {"rate": 20.0}, VirtualClock()) as history:
        for op in made_up_operations():
            history.op(op)
        history.end()


def made_up_operations() -> Iterator[Op]:
    kinds = ("probe", "read", "probe", "insert", "read", "probe", "update", "read", "probe", "delete")
    for number in range(240):
        due, f = number / 20, Kind(kinds[number % len(kinds)])
        bad = f in (Kind.PROBE, Kind.READ) and BROKEN[0] <= due < BROKEN[1]
        yield Op(
            i=number,
            f=f,
            key=f"canary-{number % 7}",
            ver=1,
            due=due,
            sent=due + 0.001,
            done=due + 0.015 + (number % 5) / 200,
            res=Res.INFO if bad else Res.OK,
            status="HTTP 502" if bad else "HTTP 200",
            seen=1 if f is Kind.READ and not bad else None,
        )


def tell(events: EventStream, clock: VirtualClock) -> None:
    """Emit the drill's events as the drill would."""

    def at(moment: float) -> None:
        clock.sleep(moment - clock.monotonic())

    def call(name: str, actor: str, **data: Any) -> None:
        number = len(events.events)
        request = f"{number:08x}-0000-4000-8000-000000000000"
        events.emit(EventKind.CALL, name, actor=actor, request_id=request, **{"seconds": 0.012, "status": 200, **data})

    events.emit(EventKind.STARTED, "A bad deployment breaks the product list", service="product-lambda")
    for name in ("preflight", "stand up", "baseline"):
        events.emit(EventKind.STAGE, name)
    events.emit(EventKind.NOTE, "blast radius: 1 resource, function product-list")
    at(0.6)
    events.emit(EventKind.INSTANT, "t_baseline")
    events.emit(EventKind.READING, "function errors alarm", ok=True, value="OK")
    at(4.9)
    events.emit(EventKind.STAGE, "inject")
    events.emit(EventKind.JOURNAL, "bad deployment", id=1, state="intent")
    call("lambda.UpdateFunctionCode", "fault")
    events.emit(EventKind.JOURNAL, "bad deployment", id=1, state="applied")
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
    for name, seconds, budget in (("find the artifact that worked", 0.3, 30.0), ("roll back", 0.9, 60.0), ("check", 0.2, 0.1)):
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
    events.emit(EventKind.JOURNAL, "bad deployment", id=1, state="healed")
    at(END)
    events.emit(EventKind.ENDED, "")


def write_drill(directory: Path, *, drill: dict[str, Any] | None = None, result: dict[str, Any] | None = None, **more: Any) -> str:
    """Write the made-up drill's evidence directory; return the root hash."""
    clock = VirtualClock()
    events = EventStream(clock)
    writer = EvidenceWriter(directory, events)
    tell(events, clock)
    write_history(writer.history)
    writer.final.write_text(json.dumps({"at": END, "keys": {}}))
    findings = {
        "checks": [{"name": "products are intact", "ok": True, "detail": "200 of 200 products as before"}],
        "configuration": [
            {
                "name": "restored table",
                "source": "products",
                "restored": "products-20260101",
                "differences": [{"path": "ttl.enabled", "source": True, "restored": False}],
            }
        ],
        "journal": [
            {
                "id": 1,
                "at": "2026-01-01T00:00:04.900Z",
                "change": "deploy a broken handler to product-list",
                "state": "healed",
                "before": {"sha256": "0" * 44, "version": "7"},
            }
        ],
        **more,
    }
    return writer.finish(Findings(drill=drill or made_up_drill(), result=result or made_up_result(), **findings))


@pytest.fixture
def evidence_of(tmp_path: Path) -> Callable[..., Path]:
    def made(**changes: Any) -> Path:
        directory = tmp_path / "a-bad-deployment"
        write_drill(directory, **changes)
        return directory

    return made
