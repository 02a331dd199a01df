"""A prepared world in one file: all that moto's backends and the planes hold, to be put into a fresh cloud.

The file is a tar: ``stamp.json``, ``moto.pickle`` and ``planes/<name>/…``. It holds passwords, keys and code of the
world, and reading it runs what it says, as Python's pickle does. Therefore it is made for this user's eyes alone (0600)
and is read only if it belongs to this user and nobody else may write it.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from drillbook.clock import utc_text
from drillbook.embedded import world_pickle, world_stamp
from drillbook.embedded.domains import Failures
from drillbook.embedded.planes import CloudState, Keeper, Plane
from drillbook.errors import TargetError, UsageError

_BACKENDS, _PLANES = "moto.pickle", "planes"
_ATTEMPTS = 5
"""Threads of planes work on while requests are held: what they change while it is written is written again."""


def save(path: Path, cloud: CloudState, planes: Sequence[Plane]) -> None:
    """Write the world to ``path``, whole or not at all. No request may be served meanwhile.

    Raises TargetError if it holds something that cannot be saved, OSError if the file cannot be written.
    """
    with _folder(cloud) as folder:
        stamp = asdict(world_stamp.stamp_of(cloud.account, cloud.speed))
        now = {"saved": utc_text(cloud.clock.now()), "failures": cloud.domains.now.as_json()}
        (folder / world_stamp.NAME).write_text(json.dumps(stamp | now))
        for name, keeper in _keepers(planes):
            place = folder / _PLANES / name
            place.mkdir(parents=True)
            keeper.save(place)
        _write_backends(folder / _BACKENDS, cloud)
        _pack(folder, path)


def load(path: Path, cloud: CloudState, planes: Sequence[Plane]) -> None:
    """Put the world of ``path`` into ``cloud``, which is fresh. No request may be served meanwhile.

    Raises UsageError for a file that is no world, is not safe to read, or was saved by another version, with another
    speed or for another account.
    """
    with world_stamp.opened(path) as file, _folder(cloud) as folder:
        said = world_stamp.said_in(file, path)
        world_stamp.check(said, path, world_stamp.stamp_of(cloud.account, cloud.speed))
        file.extractall(folder, filter="tar", numeric_owner=True)
        with (folder / _BACKENDS).open("rb") as backends:
            world_pickle.read(backends, _live(cloud))
        for name, keeper in _keepers(planes):
            place = folder / _PLANES / name
            place.mkdir(parents=True, exist_ok=True)
            keeper.load(place)
        cloud.domains.become(Failures.from_json(said["failures"]))


@contextmanager
def _folder(cloud: CloudState) -> Iterator[Path]:
    """On the file system of the planes' own data, so that they may move what they need."""
    folder = cloud.scratch / "world"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keepers(planes: Sequence[Plane]) -> Iterator[tuple[str, Keeper]]:
    return ((plane.name, plane) for plane in planes if isinstance(plane, Keeper))


def _live(cloud: CloudState) -> dict[str, object]:
    return {"cloud": cloud, "clock": cloud.clock, "domains": cloud.domains}


def _write_backends(path: Path, cloud: CloudState) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with path.open("wb") as file:
                world_pickle.write(file, _live(cloud))
            return
        except RuntimeError as error:  # a dictionary changed its size
            if attempt == _ATTEMPTS:
                raise TargetError(f"the embedded cloud does not come to rest: {error}", do="try again later") from error
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            what = f"the embedded cloud holds something that cannot be saved: {error}"
            raise TargetError(what, do="save the world before that is made, and make it after loading") from error


def _pack(folder: Path, path: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent.name} for {path.name}", do="make it first")
    try:
        with (
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw,
            tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as file,
        ):
            for name in (world_stamp.NAME, _BACKENDS, _PLANES):
                if (folder / name).exists():
                    file.add(folder / name, name)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
