"""What runs in the processes that are killed: a drill of four random changes, or a heal. Run as a script.

scene_child.py drill SCENE JOURNAL PLACE SEED
scene_child.py heal  SCENE JOURNAL PLACE
"""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from drillbook.clock import SystemClock
from drillbook.events import EventStream, Json
from drillbook.fault import Change
from drillbook.heal import heal
from drillbook.journal import Entry, Journal
from drillbook.objective import Basis
from drillbook.world import World

CLOCK = SystemClock()


def scene_module(name: str) -> Any:
    """The scene's own file beside this one: it offers ``changes(place)`` and ``rebuild(place, factory, settings)``."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def world_at(place: str, run_id: str) -> World:
    service = cast(Any, SimpleNamespace(path=Path(__file__)))
    events = EventStream(CLOCK)
    return World("local", Basis.MEASURED_LOCAL, service, CLOCK, events, Path(), run_id, address={"place": place})


def heal_all(scene: Any, journal: Journal, world: World) -> None:
    def connect(entry: Entry) -> World:
        return world_at(cast(str, entry.target["place"]), entry.run_id)

    def rebuild(reached: World, factory: str, settings: Mapping[str, Json]) -> Change:
        return cast(Change, scene.rebuild(reached.address["place"], factory, settings))

    result = heal(journal, connect, CLOCK, world.events, rebuild=rebuild)
    if not result.ok:
        sys.exit("; ".join(result.errors))


def drill(scene: Any, journal: Journal, world: World, seed: int) -> None:
    journal.refuse_if_open()
    journal.begin(world.run_id, service_file=__file__, target=world.address, clock=CLOCK)
    for factory, settings in random.Random(seed).sample(scene.changes(seed), 4):
        change = scene.rebuild(world.address["place"], factory, settings)
        journal.carry_out(change, factory=factory, settings=settings, world=world)
    heal_all(scene, journal, world)
    journal.end(world.run_id, CLOCK)


def main() -> None:
    what, name, path, place, *seed = sys.argv[1:]
    scene = scene_module(name)
    world = world_at(place, f"run-{seed[0] if seed else 'heal'}-{CLOCK.monotonic()}")
    with Journal(Path(path)) as journal:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        if what == "drill":
            drill(scene, journal, world, int(seed[0]))
        else:
            heal_all(scene, journal, world)


if __name__ == "__main__":
    main()
