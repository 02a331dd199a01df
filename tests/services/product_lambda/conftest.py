"""The product catalogue on one embedded cloud. Each test gets a run of its own, and heals what it did."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from drillbook import service, service_actions
from drillbook.aws.fingerprint import fingerprint
from drillbook.aws.session import Session, session_of
from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.events import EventStream
from drillbook.heal import heal
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.service_model import HttpRequest
from drillbook.web import request
from drillbook.world import World

SERVICE = Path(__file__).parents[3] / "drills/product-lambda"
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Cloud]:
    started = process.start(tmp_path_factory.getbasetemp() / "catalogue-cloud", owner=os.getpid())
    yield started
    process.stop(started)


@pytest.fixture
def empty_world(cloud: process.Cloud, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which nothing stands yet, or what earlier tests left standing."""
    clock = SystemClock()
    events = EventStream(clock)
    session = Session(cloud.account, "af-south-1", cloud.endpoint, clock=clock, events=events, speed=cloud.speed)
    port = urlsplit(cloud.endpoint).port
    names = process.status(cloud)["planes"]["dns"]["address"]
    resolver = f"dns://{names}?port={port}&speed={cloud.speed:g}"
    with Journal(tmp_path / "journal.sqlite3") as journal:
        yield World(
            target="embedded",
            basis=Basis.EMULATED,
            service=service.load(SERVICE / "service.yaml"),
            clock=clock,
            events=events,
            workdir=tmp_path,
            run_id=uuid4().hex[:8],
            values={"account": cloud.account, "port": str(port), "resolver": resolver, "region": "af-south-1"},
            address={"cloud": cloud.id, "state": str(tmp_path_factory.getbasetemp() / "catalogue-cloud")},
            aws=session,
            journal=journal,
            speed=cloud.speed,
        )
    session.close()


@pytest.fixture
def world(empty_world: World) -> Iterator[World]:
    """The catalogue stands; after the test nothing of it may have stayed changed."""
    service_actions.stand_up(empty_world)
    before = fingerprint(session_of(empty_world))
    yield empty_world
    assert_healed(empty_world)
    assert fingerprint(session_of(empty_world)) == before


def assert_healed(world: World) -> None:
    assert world.journal is not None
    result = heal(world.journal, lambda entry: world, world.clock, world.events, force=True)
    assert result.as_json()["remaining"] == 0, result.errors


@pytest.fixture
def ask(world: World) -> Ask:
    """Ask the API by its name: ``ask("PUT", "/products/x", {…})`` gives the status and the body."""

    def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
        asked = {"url": world.fill("{front_door}") + path, "method": method, "timeout": "10 s", "json": body}
        answer = request.ask(world, HttpRequest.model_validate(asked))
        return answer.status, json.loads(answer.text) if answer.text else None

    return ask
