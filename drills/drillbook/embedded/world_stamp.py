"""Which file is a saved world that may be read here: it belongs to this user, and the same versions wrote it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from drillbook.errors import UsageError
from drillbook.events import Json

NAME = "stamp.json"
"""The first member of the tar."""
_AGAIN = "make it again: drillbook cloud save"


@dataclass(frozen=True)
class Stamp:
    """What has to be the same where a world is loaded: pickles do not survive a change of the classes in them."""

    python: str
    drillbook: str
    moto: str
    account: str
    speed: float

    def differences(self, other: Stamp) -> list[str]:
        theirs = asdict(other)
        return [f"{name} {theirs[name]}, not {value}" for name, value in asdict(self).items() if theirs[name] != value]


def stamp_of(account: str, speed: float) -> Stamp:
    """What a world must have been saved with to be loaded by this code into a cloud of this account and speed."""
    return Stamp(platform.python_version(), f"{version('drillbook')}+{_code()}", version("moto"), account, speed)


def speed_of(path: Path) -> float:
    """The speed of the world in ``path``. Raises UsageError if that is no world or is not safe to read."""
    with opened(path) as file:
        return float(said_in(file, path)["speed"])


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """The tar. Raises UsageError if there is none, or if somebody else may have written it."""
    try:
        with path.open("rb") as raw:
            _safe(path, os.fstat(raw.fileno()))
            with tarfile.open(fileobj=raw, mode="r:") as file:
                yield file
    except FileNotFoundError:
        raise UsageError(f"there is no world {path.name}", do=_AGAIN) from None
    except tarfile.ReadError:
        raise UsageError(f"{path.name} is not a saved world, or not a whole one", do=_AGAIN) from None


def said_in(file: tarfile.TarFile, path: Path) -> dict[str, Json]:
    """The stamp and what else is noted with it. Raises UsageError if there is none."""
    first = file.next()
    member = file.extractfile(first) if first is not None and first.name == NAME else None
    if member is None:
        raise UsageError(f"{path.name} is not a saved world", do=_AGAIN)
    return dict(json.load(member))


def check(said: dict[str, Json], path: Path, ours: Stamp) -> None:
    """Raises UsageError, naming every difference, if the world was saved by something else than we are."""
    differences = ours.differences(Stamp(**{name: said[name] for name in asdict(ours)}))
    if differences:
        raise UsageError(f"{path.name} was saved with {'; '.join(differences)}", do="save it again with this cloud")


def _safe(path: Path, seen: os.stat_result) -> None:
    if seen.st_uid != os.getuid() or seen.st_mode & 0o022:
        raise UsageError(
            f"{path.name} may have been written by somebody else, and loading a world runs code in it",
            do=f"if you trust it: chown and chmod 600 {path.name}",
        )


@cache
def _code() -> str:
    """A digest of the embedded cloud's own code: an unreleased change of a class would break older pickles, too."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
