"""What the engine adds to a recovery step: a no-op step, and one boto3 call with a cached client, against the raw call.

python bench/engine.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import boto3

from drillbook.aws.session import Session
from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.recovery import Plan, Step
from drillbook.runner import Runner

STEPS = 500
clock = SystemClock()


def per_step(act: Callable[[], object], journal: Journal, round_: int) -> float:
    """Milliseconds a step of a plan of STEPS steps, with everything that a drill's runner does."""
    plan = Plan("bench", tuple(Step(str(number), act) for number in range(STEPS)))
    runner = Runner(clock, EventStream(clock), journal.memory(f"bench-{round_}"))
    began = clock.monotonic()
    runner.run(plan)
    return (clock.monotonic() - began) / STEPS * 1000


def raw(call: Callable[[], object]) -> float:
    began = clock.monotonic()
    for _ in range(STEPS):
        call()
    return (clock.monotonic() - began) / STEPS * 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Journal(Path(name) / "journal.sqlite3") as journal:
        cloud = process.start(Path(name) / "cloud", owner=os.getpid())
        os.environ |= {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "bench"}
        session = Session("111122223333", "eu-west-1", cloud.endpoint, clock=clock, events=EventStream(clock))
        plain = boto3.client("dynamodb", endpoint_url=cloud.endpoint, region_name="eu-west-1")
        ours = session.client("dynamodb")
        plain.list_tables()
        nothing = statistics.median(per_step(lambda: None, journal, round_) for round_ in range(7))
        differences = []
        for round_ in range(10, 17):
            base = raw(plain.list_tables)
            differences.append(per_step(ours.list_tables, journal, round_) - base)
        process.stop(cloud)
    print(f"no-op step: {nothing:.3f} ms (limit 0.1)")
    print(f"boto3 step - raw call: {statistics.median(differences):.3f} ms (limit 0.5)")


if __name__ == "__main__":
    main()
