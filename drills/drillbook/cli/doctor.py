"""``drillbook doctor``: this machine, the services, their targets, what those truly can do, and the journal."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from drillbook import journal as journals
from drillbook import service as services
from drillbook import side_by_side
from drillbook.cli.root import find_root, state_dir
from drillbook.clock import SystemClock
from drillbook.errors import DrillbookError, DrillBroken
from drillbook.events import EventStream
from drillbook.service import Service

if TYPE_CHECKING:
    from drillbook.world import World

PACKAGES = ("drillbook", "boto3", "moto", "awslambdaric", "pytest", "pytest-bdd", "allure-pytest", "pydantic")
_SIGNS = {True: "ok", False: "NO", None: "–"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``ok`` is None for what is only told, not judged."""

    about: str
    name: str
    ok: bool | None
    detail: str


def examine(given: Path | None, wanted: str | None, *, target: str | None, as_json: bool) -> int:
    """Print every finding as it is made; 0 if nothing is wrong, else 4. Raises UsageError for an unknown service."""
    root = find_root(given)
    chosen = [services.find(root, wanted)] if wanted else []
    found = []
    for finding in _examine(root, chosen, target or ""):
        found.append(finding)
        if not as_json:
            typer.echo(f"{_SIGNS[finding.ok]:3} {finding.about:12} {finding.name:26} {finding.detail}")
    healthy = all(finding.ok is not False for finding in found)
    if as_json:
        typer.echo(json.dumps({"ok": healthy, "findings": [asdict(finding) for finding in found]}, indent=2))
    return 0 if healthy else DrillBroken.exit_code


def _examine(root: Path, chosen: list[Service], target: str) -> Iterator[Finding]:
    yield from _machine()
    yield _journal(root)
    found = chosen
    if not chosen:
        yield from _service_files(root)
        found = [services.load(path) for path in services.discover(root) if not services.mistakes(path)]
    probed: set[str] = set()
    for service in found:
        yield from _target(root, service, target, probed)


def _machine() -> Iterator[Finding]:
    yield Finding(
        "machine", "python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}"
    )
    for name in PACKAGES:
        try:
            yield Finding("machine", name, None, version(name))
        except PackageNotFoundError:
            # drillbook itself may run from a source tree that is not installed.
            yield Finding("machine", name, None if name == "drillbook" else False, "not installed")


def _journal(root: Path) -> Finding:
    paths = side_by_side.journals(root)
    if not paths:
        return Finding("journal", "open changes", True, "none: no drill has run here yet")
    entries = []
    for path in paths:
        try:
            with journals.Journal(path) as journal:
                entries += journal.open_entries()
        except DrillbookError as error:
            return Finding("journal", "open changes", False, str(error))
    what = ", ".join(entry.what for entry in entries)
    return Finding("journal", "open changes", not entries, f"{what} — run: drillbook heal" if entries else "none")


def _service_files(root: Path) -> Iterator[Finding]:
    for path in services.discover(root):
        wrong = services.mistakes(path)
        yield Finding("service", path.parent.name, not wrong, str(wrong[0]) if wrong else "its file is sound")


def _target(root: Path, service: Service, asked: str, probed: set[str]) -> Iterator[Finding]:
    """Reach the service's target as a drill would, and probe what the service needs of it and was not probed yet."""
    from drillbook import targets

    clock = SystemClock()
    with journals.Journal(journals.default_path(root)) as journal:
        name = targets.choose(service, asked)
        place = targets.Place(state_dir(root), f"doctor-{service.name}", clock, EventStream(clock), journal)
        try:
            world = targets.open_world(service, name, place)
        except DrillbookError as error:
            yield Finding("target", f"{service.name} on {name}", False, str(error))
            return
        try:
            yield Finding("target", f"{service.name} on {name}", True, f"reached; numbers would be {world.basis}")
            yield from _capabilities(service, world, probed)
        finally:
            world.close()
            world.leave()
            shutil.rmtree(world.workdir, ignore_errors=True)


def _capabilities(service: Service, world: World, probed: set[str]) -> Iterator[Finding]:
    from drillbook.targets import truth

    plans = [need for plan in service.plans.values() for need in plan.needs]
    needs = [need for need in dict.fromkeys([*service.needs, *plans]) if f"{world.target} {need}" not in probed]
    if world.aws is None or not needs:
        return
    for answer in truth.run(world.aws, needs):
        probed.add(f"{world.target} {answer.capability}")
        yield Finding(world.target, answer.capability, answer.ok, f"{answer.detail} ({answer.seconds:.1f} s)")
