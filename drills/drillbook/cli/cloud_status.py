"""``drillbook cloud status``: what the embedded cloud is made of now, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer

from drillbook.cli.cloud import found
from drillbook.cli.root import find_root, state_dir
from drillbook.embedded import process
from drillbook.embedded.census import Member, family
from drillbook.events import Json
from drillbook.units import duration_text

STOPPED = 1


def show(given: Path | None, *, as_json: bool) -> int:
    """Say what runs; 0 if a cloud does, else 1."""
    cloud = found(state_dir(find_root(given)))
    if cloud is None:
        typer.echo(json.dumps({"running": False}) if as_json else "no embedded cloud is running")
        return STOPPED
    said = process.status(cloud)
    members = family(cloud.pid, *_pids(said["planes"]))
    told = {"running": True, **said, "memory": sum(member.memory for member in members)}
    del told["id"]  # who knows it may stop the cloud
    told["processes"] = [asdict(member) for member in members]
    typer.echo(json.dumps(told) if as_json else "\n".join(_lines(told, members)))
    return 0


def _pids(planes: dict[str, Json]) -> list[int]:
    return [int(pid) for plane in planes.values() for pid in plane.get("pids", ())]


def _lines(told: dict[str, Json], members: list[Member]) -> Iterator[str]:
    age = duration_text(round(told["seconds"]))
    yield f"running at {told['endpoint']} (process {told['pid']}) for {age}, account {told['account']}"
    yield f"AWS durations are divided by {told['speed']:g}"
    broken = list(_broken(told["failures"]))
    yield f"broken: {'; '.join(broken)}" if broken else "nothing is broken"
    crashes = told["crashes"]
    yield f"{crashes['count']} crashes of its own" + (f", the last: {crashes['last'][-1]}" if crashes["last"] else "")
    yield "planes:"
    for name, status in told["planes"].items():
        yield f"  {name:<14} {_short(status)}"
    yield f"processes ({told['memory'] / 2**20:.0f} MB):"
    for member in members:
        yield f"  {member.pid:<8} {member.memory / 2**20:6.1f} MB  {member.name}"


def _broken(failures: dict[str, Json]) -> Iterator[str]:
    yield from (f"region {name} is dark" for name in failures["regions"])
    yield from (f"zone {name} is dark" for name in failures["zones"])
    yield from (f"{one} and {other} do not reach one another" for one, other in failures["partitions"])
    yield from (f"{one['service']} in {one['region']} is {one['kind']}" for one in failures["services"])


def _short(status: Json) -> str:
    """The counts; lists by their length."""
    if not isinstance(status, dict):
        return str(status)
    shown = {name: len(value) if isinstance(value, list | dict) else value for name, value in status.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
