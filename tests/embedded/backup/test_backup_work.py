"""A job's steps: done whole, in regions that live, and never left RUNNING."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drillbook.clock import SystemClock
from drillbook.embedded.backup.records import Job, Resource
from drillbook.embedded.backup.work import Desk, JobFailed, Work
from drillbook.embedded.domains import Failures
from drillbook.embedded.planes import CloudState
from drillbook.waiting import wait_for

HERE, THERE = "us-east-1", "us-west-2"
DARK = Failures(regions=frozenset({HERE}))


@pytest.fixture
def cloud(tmp_path: Path) -> CloudState:
    return CloudState("111122223333", "http://127.0.0.1:1", 100.0, SystemClock(), tmp_path)


@pytest.fixture
def desk(cloud: CloudState) -> Iterator[Desk]:
    made = Desk(cloud)
    yield made
    made.close()


def a_job() -> Job:
    resource = Resource(f"arn:aws:dynamodb:{HERE}:111122223333:table/t", "DynamoDB", "t")
    return Job("one", "111122223333", resource, "arn:aws:iam::111122223333:role/r", datetime.now(UTC), "CREATED")


def ended(job: Job) -> Job:
    return wait_for(
        "the job to end", lambda: job, until=lambda it: it.ended, timeout=30, clock=SystemClock(), interval=0.01
    )


def test_a_job_that_is_done_is_completed(desk: Desk) -> None:
    job, seen = a_job(), []
    desk.begin(job, lambda work: work.step(lambda: seen.append(job.state), HERE))
    assert (ended(job).state, seen) == ("COMPLETED", ["RUNNING"])
    assert job.completed is not None


def test_what_a_service_refuses_is_the_message_of_the_job(desk: Desk) -> None:
    def refuse(_: Work) -> None:
        raise JobFailed("no such thing")

    job = a_job()
    desk.begin(job, refuse)
    assert (ended(job).state, job.message, desk.faults) == ("FAILED", "no such thing", [])


def test_a_fault_of_the_cloud_itself_is_told_apart(desk: Desk) -> None:
    def crash(_: Work) -> None:
        raise OSError("no space left on device")

    job = a_job()
    desk.begin(job, crash)
    assert ended(job).state == "FAILED"
    assert "embedded cloud" in job.message
    assert "no space left" in desk.faults[0]


def test_a_stopped_job_is_aborted_between_its_steps(desk: Desk) -> None:
    job, begun = a_job(), threading.Event()

    def never(work: Work) -> None:
        begun.set()
        work.until(lambda: False, HERE)

    desk.begin(job, never)
    begun.wait(30)
    wait_for("it to run", lambda: job.state, until=lambda state: state == "RUNNING", timeout=30, clock=SystemClock())
    job.state = "ABORTING"
    assert ended(job).state == "ABORTED"


def test_no_step_is_begun_in_a_dark_region(desk: Desk, cloud: CloudState) -> None:
    cloud.domains.become(DARK)
    job, done = a_job(), threading.Event()
    desk.begin(job, lambda work: work.step(done.set, HERE))
    assert not done.wait(0.1)
    assert job.state == "CREATED"
    cloud.domains.heal()
    assert (ended(job).state, done.is_set()) == ("COMPLETED", True)


def test_a_step_between_regions_needs_the_link(desk: Desk, cloud: CloudState) -> None:
    cloud.domains.become(Failures(partitions=frozenset({frozenset({HERE, THERE})})))
    across, within = a_job(), a_job()
    desk.begin(across, lambda work: work.step(lambda: None, HERE, THERE))
    desk.begin(within, lambda work: work.step(lambda: None, HERE))
    assert ended(within).state == "COMPLETED"
    assert across.state == "CREATED"
    cloud.domains.heal()
    assert ended(across).state == "COMPLETED"


def test_a_region_gets_dark_after_the_step_that_is_under_way(desk: Desk, cloud: CloudState) -> None:
    job, inside, go_on, order = a_job(), threading.Event(), threading.Event(), []

    def step() -> None:
        inside.set()
        go_on.wait(30)
        order.append("step done")

    desk.begin(job, lambda work: work.step(step, HERE))
    assert inside.wait(30)
    breaking = threading.Thread(target=lambda: (cloud.domains.become(DARK), order.append("dark")))
    breaking.start()
    breaking.join(0.1)
    assert breaking.is_alive()
    go_on.set()
    breaking.join(30)
    assert order == ["step done", "dark"]


def test_a_cloud_that_ends_leaves_no_thread_waiting(cloud: CloudState) -> None:
    desk, job = Desk(cloud), a_job()
    cloud.domains.become(DARK)
    desk.begin(job, lambda work: work.step(lambda: None, HERE))
    desk.close()
    wait_for(
        "the thread to end",
        lambda: [thread for thread in threading.enumerate() if thread.name == f"backup-{job.id}"],
        until=lambda left: not left,
        timeout=30,
        clock=SystemClock(),
    )
    assert job.state == "CREATED"
