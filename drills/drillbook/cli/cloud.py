"""``drillbook cloud``: the embedded cloud as a thing of its own, for a shell, a script or another tool."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import typer

from drillbook.cli.root import find_root, state_dir
from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.process import Cloud

STOPPED = 1


def up(given: Path | None, *, speed: float, foreground: bool) -> None:
    """Start the cloud unless it runs already, and print what a shell must export. Raises TargetError if it cannot."""
    state = state_dir(find_root(given))
    cloud = process.find(state) or process.start(state, owner=None, speed=speed, journal=state / "journal.sqlite3")
    typer.echo("\n".join(_exports(cloud)))
    typer.echo(f"# the embedded cloud is at {cloud.endpoint} (process {cloud.pid}); stop it with: drillbook cloud down")
    if foreground:
        _stay(state, cloud)


def down(given: Path | None) -> None:
    """Stop the cloud; not an error if none runs."""
    cloud = process.find(state_dir(find_root(given)))
    if cloud is None:
        typer.echo("no embedded cloud is running")
        return
    process.stop(cloud)
    typer.echo(f"stopped the embedded cloud at {cloud.endpoint}")


def status(given: Path | None, *, as_json: bool) -> int:
    """Say whether it runs; 0 if so, else 1."""
    cloud = process.find(state_dir(find_root(given)))
    if as_json:
        known = {"endpoint": cloud.endpoint, "pid": cloud.pid, "speed": cloud.speed} if cloud else {}
        typer.echo(json.dumps({"running": cloud is not None, **known}))
    else:
        typer.echo(f"running at {cloud.endpoint} (process {cloud.pid})" if cloud else "no embedded cloud is running")
    return 0 if cloud else STOPPED


def _exports(cloud: Cloud) -> Iterator[str]:
    """The credentials are the embedded cloud's and open nothing else."""
    yield f"export AWS_ENDPOINT_URL={cloud.endpoint}"
    yield "export AWS_ACCESS_KEY_ID=drillbook AWS_SECRET_ACCESS_KEY=drillbook"
    yield "export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1}"


def _stay(state: Path, cloud: Cloud) -> None:
    """Until Ctrl-C or SIGTERM, or until the cloud has stopped by itself."""
    clock = SystemClock()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while process.find(state) is not None:
            clock.sleep(0.5)
    except KeyboardInterrupt:
        process.stop(cloud)
