"""Where a drill runs: how to reach a world, make a service ready in it, and find it again from another process.

embedded    the embedded cloud, started when needed; numbers are *emulated*
local       processes of this machine, or somebody's URL, by the service's own commands; *measured-local*
localstack  any LocalStack-compatible endpoint; *measured-localstack*
aws         an account; nothing is stood up there; *measured-aws*
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from drillbook import service as services
from drillbook import service_actions
from drillbook.clock import Clock
from drillbook.errors import DrillbookError, UsageError
from drillbook.events import EventStream, Json
from drillbook.objective import Basis
from drillbook.targets import aws, embedded, local, localstack
from drillbook.targets import stand_up as stand_up_change
from drillbook.targets.stand_up import StandUp
from drillbook.world import World

if TYPE_CHECKING:
    from drillbook.journal import Entry, Journal
    from drillbook.service import Service
    from drillbook.targets.clouds import Clouds

WORKDIR = "drillbook-"
"""How the name of every world's work directory begins."""
PLACEHOLDERS = (
    "account", "endpoint", "port", "python", "region", "resolver", "run_id", "service_dir", "target", "workdir",
)  # fmt: skip
"""What every service file may use; some only on targets that have it. Stand-up adds more."""

_BASES = {
    "embedded": Basis.EMULATED,
    "local": Basis.MEASURED_LOCAL,
    "localstack": Basis.MEASURED_LOCALSTACK,
    "aws": Basis.MEASURED_AWS,
}


def basis_of(target: str) -> Basis:
    """What numbers measured on ``target`` are worth."""
    return _BASES[target]


@dataclass(frozen=True)
class Place:
    """What a world needs to know of the process that opens it."""

    state: Path
    """The directory of the journal and of the embedded cloud (``<root>/.drillbook``)."""
    run_id: str
    clock: Clock
    events: EventStream
    journal: Journal
    clouds: Clouds | None = None
    """Where drills of the embedded target get their clouds from; None: each starts its own."""


def choose(service: Service, asked: str = "") -> str:
    """The target asked for, or else the one that needs least: embedded, local, localstack, and aws never by itself.

    Raises UsageError if the service file does not name it.
    """
    named = list(service.targets)
    if asked and asked not in named:
        raise UsageError(f"{service.name} has no target {asked!r}", do=f"it has: {', '.join(named)}")
    free = [name for name in ("embedded", "local", "localstack") if name in named]
    if not asked and not free:
        raise UsageError(f"{service.name} can only be drilled on aws", do="say so: --target aws")
    return asked or free[0]


def open_world(service: Service, target: str, place: Place, *, region: str = "") -> World:
    """Reach the target, starting what can be started. Stands up nothing yet.

    Raises TargetError if it cannot be reached.
    """
    world = World(
        target=target,
        basis=_BASES[target],
        service=service,
        clock=place.clock,
        events=place.events,
        workdir=Path(tempfile.mkdtemp(prefix=WORKDIR)),
        run_id=place.run_id,
        journal=place.journal,
    )
    world.values = {
        "python": sys.executable,
        "service_dir": str(service.folder.resolve()),
        "workdir": str(world.workdir),
        "run_id": place.run_id,
        "target": target,
        "resolver": "",
        "region": region or service.regions.get("primary", ""),
    }
    try:
        _opener(target).open_world(world, place)
    except BaseException:
        world.close()
        remove_workdir({"workdir": str(world.workdir)})
        raise
    world.address = {"target": target, "workdir": str(world.workdir), "values": dict(world.values), **world.address}
    return world


def gives_own_cloud(target: str, state: Path) -> bool:
    """Will the next world of ``target`` be in a cloud that is started for it alone?"""
    return target == "embedded" and embedded.gives_own_cloud(state)


def stand_up(world: World) -> None:
    """Make the service ready, so that a new process can take it down again if it says how (``tear_down``)."""
    if world.journal and world.service.target(world.target).tear_down:
        change = StandUp(world, StandUp.Settings())
        world.journal.carry_out(change, factory=stand_up_change.FACTORY, settings={}, world=world)
    else:
        _stand_up_untold(world)
    world.address["values"] = dict(world.values)


def _stand_up_untold(world: World) -> None:
    if world.target == "embedded":
        embedded.stand_up(world)
    else:
        service_actions.stand_up(world)


def missing_capabilities(world: World, needs: Collection[str]) -> dict[str, str]:
    """Those of ``needs`` that a truth probe, run now, finds the target not truly to have; with what it saw.

    What was found true of a prepared world's cloud is not asked again: the same code runs there.
    """
    if not needs:
        return {}
    if world.aws is None:
        return dict.fromkeys(needs, "the target has no AWS account")
    if world.target == "aws":
        return {}
    from drillbook.targets import truth

    kept = world.prepared
    found = truth.run(world.aws, sorted(kept.unproven(needs) if kept else needs))
    if kept:
        kept.proven([each.capability for each in found if each.ok])
    return {each.capability: each.detail for each in found if not each.ok}


def crashes(world: World, since: int = 0) -> list[str]:
    """What the emulator itself got wrong after its first ``since`` failures; as many entries as failures. Empty on
    targets that do not tell. An emulator that is gone has failed once."""
    if world.target != "embedded":
        return []
    try:
        count, last = embedded.crashes(world)
    except DrillbookError as error:
        return [error.what]
    untold = max(0, count - since - len(last))
    return ["of which the cloud no longer knows more"] * untold + (last[since - count :] if count > since else [])


def leftovers(world: World) -> list[str]:
    """What still carries this drill's tag, by name. Raises OperationError if the target cannot be asked."""
    if world.aws is None:
        return []
    from drillbook.aws import tags

    return tags.tagged(world.aws, "drillbook-run", world.run_id)


def connect(entry: Entry, *, place: Place) -> World | None:
    """The world of a journal entry, in a new process; None if it no longer exists.

    Raises TargetError if it should exist and cannot be reached now.
    """
    address: Mapping[str, Json] = entry.target
    service = services.load(Path(entry.service_file))
    world = World(
        target=str(address["target"]),
        basis=_BASES[str(address["target"])],
        service=service,
        clock=place.clock,
        events=place.events,
        workdir=Path(str(address["workdir"])),
        run_id=entry.run_id,
        values={name: str(value) for name, value in address["values"].items()},
        address=dict(address),
        journal=place.journal,
    )
    try:
        return world if _opener(world.target).find_again(world) else None
    except BaseException:
        world.close()
        raise


def remove_workdir(address: Mapping[str, Json]) -> None:
    """Remove the work directory of a world that is whole again. Not an error if it is gone."""
    workdir = Path(str(address.get("workdir", "")))
    if workdir.name.startswith(WORKDIR):
        shutil.rmtree(workdir, ignore_errors=True)


class _Opener(Protocol):
    """What the module of each target offers."""

    def open_world(self, world: World, place: Place) -> None: ...

    def find_again(self, world: World) -> bool: ...


def _opener(target: str) -> _Opener:
    openers: dict[str, _Opener] = {"embedded": embedded, "local": local, "localstack": localstack, "aws": aws}
    return openers[target]
