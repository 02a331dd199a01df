"""Evidence of drills of other kinds than the made-up one: a failover with its way home, and one without a fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drillbook.clock import VirtualClock
from drillbook.events import EventKind, EventStream
from drillbook.report import results
from drillbook.report.evidence import EvidenceWriter, Findings

ABOUT = {
    "service": "roadcall",
    "title": "Roadside assistance",
    "feature": "features/roadcall/failback.feature",
    "target": "embedded",
    "basis": "emulated",
    "run_id": "20260101-000000-7f3a-1",
    "speed": 100.0,
}


class Stage:
    """Tells a drill's events, and writes its evidence."""

    def __init__(self, directory: Path, name: str) -> None:
        self.clock = VirtualClock()
        self.events = EventStream(self.clock)
        self.writer = EvidenceWriter(directory, self.events)
        self.about = {**ABOUT, "drill": name}
        self.events.emit(EventKind.STARTED, name, service="roadcall")

    def instant(self, name: str, **of: str) -> float:
        return self.events.emit(EventKind.INSTANT, name, **of).at

    def plan(
        self, name: str, steps: dict[str, float], began: str = "t_exec0", ended: str = "t_exec1", **more: Any
    ) -> None:
        self.instant(began, plan=name)
        for step, seconds in steps.items():
            phase = "communicate" if "tell" in step else "recover"
            data = {"plan": name, "phase": phase, "budget": 600.0, "manual": step.startswith("call")}
            self.events.emit(EventKind.STEP_STARTED, step, **data)
            self.clock.sleep(seconds)
            if phase == "communicate":
                self.events.emit(EventKind.NOTE, "declared: us-east-1 is lost", entry="declared")
                self.events.emit(
                    EventKind.NOTE, "notice sent: DR event", message_id="m-1", text="serving from us-west-2"
                )
            ended_as = {"seconds": seconds, "outcome": "done", "attempts": 1, "error": "", **more}
            self.events.emit(EventKind.STEP_ENDED, step, **data, **ended_as)
        self.instant(ended, plan=name)

    def finish(self, result: dict[str, Any], checks: list[dict[str, Any]]) -> dict[str, Any]:
        for check in checks:
            self.events.emit(EventKind.CHECK, check["name"], ok=check["ok"], detail=check["detail"])
        told = results.entry(self.about, result, left_over=[], evidence=self.writer.directory.name)
        self.events.emit(EventKind.VERDICT, str(told["verdict"]))
        self.writer.finish(Findings(self.about, told, checks))
        return told


def failback(directory: Path) -> dict[str, Any]:
    """Two faults strike, one is lifted, the same plan runs twice, and a planned cut-over leads home."""
    stage = Stage(directory, "Failback to the primary region")
    stage.clock.sleep(2)
    stage.instant("t_baseline")
    stage.instant("t_inject", fault="primary region dark")
    stage.clock.sleep(0.5)
    stage.instant("t_inject", fault="link cut")
    stage.clock.sleep(1)
    stage.events.emit(EventKind.READING, "health check", ok=False, value="Unhealthy")
    stage.instant("t_detect")
    steps = {"call the team": 0.1, "tell the owners": 0.1, "promote Aurora": 0.8, "shift DNS": 0.4}
    stage.plan("fail over", steps, acknowledged="automatically")
    stage.clock.sleep(1)
    stage.instant("t_verified")
    stage.instant("t_lifted", fault="link cut")
    stage.plan("fail over", {"promote Aurora": 0.1, "shift DNS": 0.1})
    stage.clock.sleep(3)
    stage.plan("fail back", {"stop writes": 0.3, "lead traffic home": 0.5}, "t_cut0", "t_cut1")
    stage.clock.sleep(2)
    cut = {"lo": 0.4, "hi": 0.6}
    result = {
        "verdict": "FAIL",
        "causes": ["writes lost between the cut-overs of at most 0: lost 2 of 90"],
        "objectives": [
            objective("RTO", 3600.0, 3.2, 3.4), objective("interruption by the cut-over", 60.0, **cut),
            objective("writes lost between the cut-overs", 0, 2, 2, unit="writes", verdict="FAIL"),
        ],
        "rto": {"lo": 3.2, "hi": 3.4, "objective": 3600.0, "basis": "emulated", "state": "recovered", "instants": {}},
        "rpo": {"lo": 0.1, "hi": 0.3, "objective": None, "basis": "emulated"},
        "lost": 4,
        "loss": {"acknowledged": 240, "lost_before": 2, "lost_during": 2, "counts": {"lost": 4}, "examples": []},
        "windows": {"total": {"lo": 3.6, "hi": 4.0}, "each": [
            {"start": {"lo": 2.0, "hi": 2.1}, "end": {"lo": 5.2, "hi": 5.4}, "bad": 60},
            {"start": {"lo": 8.6, "hi": 8.7}, "end": {"lo": 9.1, "hi": 9.3}, "bad": 9},
        ]},
        "cut_over": {
            "interruption": {**cut, "objective": 60.0, "basis": "emulated"},
            "lost": {"lo": 2, "hi": 2, "objective": 0.0, "basis": "emulated"},
            "windows": [{}], "acknowledged": 90,
        },
    }  # fmt: skip
    return stage.finish(result, [{"name": "one writer", "ok": True, "detail": "only us-east-1 takes writes"}])


def objective(kind: str, limit: float, lo: float, hi: float, unit: str = "s", verdict: str = "PASS") -> dict[str, Any]:
    source = "features/roadcall/failback.feature:20"
    measured = {"lo": lo, "hi": hi}
    return {"kind": kind, "limit": limit, "unit": unit, "source": source, "measured": measured, "verdict": verdict}


def backup_test(directory: Path) -> dict[str, Any]:
    """Nothing struck, and no canary ran: a plan, and checks."""
    stage = Stage(directory, "Monthly backup test")
    stage.clock.sleep(1)
    stage.plan("restore the latest backup", {"find the recovery point": 0.2, "restore it": 2.5, "compare": 0.3})
    checks = [
        {"name": "as many users as before", "ok": True, "detail": "200 of 200"},
        {"name": "backup is younger than 24 h", "ok": True, "detail": "it is 12 min old"},
    ]
    told = {"plans": [{"plan": "restore the latest backup", "seconds": 3.0}], "checks": {"made": 2, "held": 2}}
    return stage.finish({"verdict": "PASS", "causes": [], **told}, checks)


def broken(directory: Path) -> dict[str, Any]:
    """It could not even begin."""
    stage = Stage(directory, "Primary region outage")
    return stage.finish({"verdict": "INVALID", "causes": ["the cloud was busy"]}, [])
