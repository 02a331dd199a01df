from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook import service as services
from drillbook.clock import SystemClock
from drillbook.events import EventStream
from drillbook.objective import Basis
from drillbook.world import World

REPOSITORY = Path(__file__).parents[2]

SMALLEST = """\
service: notes
targets: {local: {}}
objectives: {rto: 30 s}
front_door:
  url: "http://127.0.0.1:1"
  write: {method: POST, path: /notes}
  read: {method: GET, path: "/notes/{key}", version: $.text}
"""
"""A whole service file; tests add to its end."""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes service.yaml (``SMALLEST`` and what is given) and other files into a service folder."""

    def written(more: str = "", whole: str | None = None, **files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        path = tmp_path / "service.yaml"
        path.write_text(SMALLEST + textwrap.dedent(more) if whole is None else whole)
        return path

    return written


@pytest.fixture
def world(write: Callable[..., Path], tmp_path: Path) -> Callable[..., World]:
    """A world for such a service, on the target ``local``."""

    def made(more: str = "", **files: str) -> World:
        service = services.load(write(more, **files))
        clock = SystemClock()
        workdir = tmp_path / "work"
        workdir.mkdir(exist_ok=True)
        values = {"workdir": str(workdir), "service_dir": str(tmp_path), "python": "python3"}
        return World(
            target="local",
            basis=Basis.MEASURED_LOCAL,
            service=service,
            clock=clock,
            events=EventStream(clock),
            workdir=workdir,
            run_id="run-1",
            values=values,
        )

    return made
