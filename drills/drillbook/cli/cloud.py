"""``drillbook cloud``: the embedded cloud as a thing of its own, for a shell, a script or another tool."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import typer

from drillbook.cli.root import find_root, state_dir
from drillbook.clock import SystemClock
from drillbook.embedded import process, slots, worlds
from drillbook.embedded.process import Cloud
from drillbook.errors import UsageError
from drillbook.shell.environment import pointed_at

SPEED = 100.0
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def up(given: Path | None, *, speed: float | None, foreground: bool, as_json: bool) -> None:
    """Start the cloud unless it runs already, and print what a shell must export.

    Raises TargetError if it cannot be started, UsageError if one of another speed runs.
    """
    state = state_dir(find_root(given))
    running = process.find(state)
    cloud = process.start(
        state, owner=None, speed=speed or (running.speed if running else SPEED), journal=state / "journal.sqlite3"
    )
    _announce(cloud, state, as_json=as_json)
    if foreground:
        _stay(state, cloud)


def down(given: Path | None) -> None:
    """Stop the cloud; not an error if none runs. What a killed one left is removed."""
    state = state_dir(find_root(given))
    cloud = found(state)
    if cloud is None:
        process.clear(state)
        slots.sweep(state)
        typer.echo("no embedded cloud is running")
        return
    process.stop(cloud)
    typer.echo(f"stopped the embedded cloud at {cloud.endpoint}")


def save(given: Path | None, file: Path) -> None:
    """Write everything that the running cloud holds to ``file``."""
    worlds.save(running_cloud(given), file)
    typer.echo(f"saved the world to {file} ({file.stat().st_size / 1e6:.1f} MB); it holds its passwords and code")


def load(given: Path | None, file: Path, *, as_json: bool) -> None:
    """Start a cloud with the world of ``file`` in it. Raises UsageError if one runs already."""
    from drillbook.embedded.world_stamp import speed_of

    state = state_dir(find_root(given))
    if process.find(state) is not None:
        raise UsageError("a cloud runs already", do="stop it first: drillbook cloud down")
    cloud = process.start(state, owner=None, speed=speed_of(file), journal=state / "journal.sqlite3")
    try:
        worlds.load(cloud, file)
    except BaseException:
        process.stop(cloud)
        raise
    _announce(cloud, state, as_json=as_json)


def running_cloud(given: Path | None) -> Cloud:
    """The cloud of the repository. Raises UsageError if none runs."""
    cloud = found(state_dir(find_root(given)))
    if cloud is None:
        raise UsageError("no embedded cloud is running", do="start it: drillbook cloud up")
    return cloud


def found(state: Path) -> Cloud | None:
    """The cloud that was started by hand, or else the newest of a drill that runs now, or that was kept."""
    by_hand = process.find(state)
    return by_hand or next((cloud for _, cloud in slots.living(state)), None)


def _announce(cloud: Cloud, state: Path, *, as_json: bool) -> None:
    environment = _environment(cloud, state)
    if as_json:
        told = {"endpoint": cloud.endpoint, "pid": cloud.pid, "speed": cloud.speed, "account": cloud.account}
        typer.echo(json.dumps(told | {"environment": environment, "unset": list(_FOREIGN)}))
        return
    typer.echo("\n".join(_exports(environment)))
    typer.echo(f"# the embedded cloud is at {cloud.endpoint} (process {cloud.pid}); stop it with: drillbook cloud down")


def _environment(cloud: Cloud, state: Path) -> dict[str, str]:
    """What makes the AWS CLI, SDKs and terraform use the cloud. The credentials are its own and open nothing else."""
    region = os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    pointed = pointed_at(cloud.endpoint, "drillbook", state, os.environ)
    return pointed | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def _exports(environment: dict[str, str]) -> Iterator[str]:
    yield f"unset {' '.join(_FOREIGN)}"
    own = environment["PATH"].removesuffix(os.environ.get("PATH", os.defpath))
    for name, value in environment.items():
        if name == "PATH":
            yield f'export PATH={shlex.quote(own)}"$PATH"' if own and own not in os.environ.get("PATH", "") else ""
        else:
            yield f"export {name}={shlex.quote(value)}"


def _stay(state: Path, cloud: Cloud) -> None:
    """Until Ctrl-C or SIGTERM, or until the cloud has stopped by itself."""
    clock = SystemClock()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while process.find(state) is not None:
            clock.sleep(0.5)
    except KeyboardInterrupt:
        process.stop(cloud)
