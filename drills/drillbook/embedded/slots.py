"""Directories for clouds that come and go: each cloud of a drill has one of its own, named after who opened it.

``<state>/clouds/<pid>-<some letters>`` holds ``cloud.json`` and ``cloud.log`` of one cloud.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.liveness import birth_of, this_process

_USED, _SPARE = "clouds", "spares"


def used(state: Path) -> Path:
    """A new directory for the cloud of a drill; not made yet."""
    return state / _USED / f"{this_process().pid}-{uuid4().hex[:8]}"


def spare(state: Path) -> Path:
    """A new directory for a cloud that no drill uses yet; not made yet."""
    return state / _SPARE / f"{this_process().pid}-{uuid4().hex[:8]}"


def take(slot: Path, state: Path) -> Path:
    """The spare of ``slot`` is a drill's from now on; where its directory is then."""
    place = state / _USED / slot.name
    place.parent.mkdir(parents=True, exist_ok=True)
    return slot.rename(place)


def remove(slot: Path) -> None:
    """Its cloud has ended. Not an error if it is gone."""
    shutil.rmtree(slot, ignore_errors=True)


def sweep(state: Path) -> None:
    """Remove the directories of clouds that are gone and whose opener is gone, too."""
    for slot in [*state.glob(f"{_USED}/*"), *state.glob(f"{_SPARE}/*")]:
        if birth_of(int(slot.name.partition("-")[0])) is None and process.find(slot) is None:
            remove(slot)


def living(state: Path) -> list[tuple[Path, Cloud]]:
    """The clouds of drills that run now, with their directories; the newest first."""
    slots = sorted(state.glob(f"{_USED}/*/cloud.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    return [(file.parent, cloud) for file in slots if (cloud := process.find(file.parent)) is not None]
