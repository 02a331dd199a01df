"""The copies of data directories that an engine keeps, in a saved world: each in one file, in the place it has in the
engine's own directory."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drillbook.embedded.postgres.copies import pack, packed, unpack
from drillbook.embedded.postgres.engine import Engine

_AT_ONCE = 3
_LOG = "log.tar"


def put(engine: Engine, folder: Path, kept: Iterable[Path]) -> None:
    """Pack these directories of the engine into ``folder``. Raises TargetError if there is no room."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda one: _put(engine, folder, one), kept))


def take(engine: Engine, folder: Path, *names: str) -> None:
    """Have again what was put below the engine's folders ``names``. The log of archives is unpacked, for servers go on
    writing it; copies stay packed. Raises TargetError if there is no room."""
    for file in [file for name in names for file in sorted((folder / name).rglob("*.tar"))]:
        place = engine.folder(*file.relative_to(folder).parent.parts)
        if file.name == _LOG:
            unpack(file, place / file.stem, engine.account)
        else:
            file.rename(place / file.name)


def file_of(folder: Path, name: str) -> Path:
    """Where in ``folder`` the directory ``name`` of the engine was put."""
    return packed(folder / name)


def _put(engine: Engine, folder: Path, one: Path) -> None:
    directory = one.with_suffix("")  # of one that is packed already
    file = file_of(folder, str(directory.relative_to(engine.place)))
    file.parent.mkdir(parents=True, exist_ok=True)
    pack(directory, file, engine.account)
