"""Copies of data directories, as directories or packed.

A saved world keeps each copy in one file. A backup or a snapshot that was loaded stays packed, as ``<name>.tar`` in the
place of the directory ``<name>``: a thousand small files take longer than all else, and few of them are asked for.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from drillbook.embedded.postgres.account import Account
from drillbook.errors import TargetError

_LINUX = sys.platform.startswith("linux")
_CHANGED = 1
"""What tar ends with if something changed meanwhile, such as a segment that the archiver was about to rename."""


def copy_tree(source: Path, target: Path, account: Account) -> None:
    """Copy a directory with modes and times, sharing blocks where the file system can; one that is packed is unpacked.
    ``target`` must not exist."""
    if not source.exists() and packed(source).exists():
        unpack(packed(source), target, account)
        return
    reflink = ["--reflink=auto", "--sparse=auto"] if _LINUX else []
    account.run([shutil.which("cp") or "cp", "-Rp", *reflink, source, target])


def packed(folder: Path) -> Path:
    """The file that may be there in the place of ``folder``."""
    return folder.with_name(f"{folder.name}.tar")


def is_there(folder: Path) -> bool:
    return folder.exists() or packed(folder).exists()


def remove(folder: Path) -> None:
    """Nothing happens if it is not there."""
    shutil.rmtree(folder, ignore_errors=True)
    packed(folder).unlink(missing_ok=True)


def text_in(folder: Path, name: str) -> str:
    """What the file ``name`` of a copy says; nothing if there is none."""
    if (folder / name).exists():
        return (folder / name).read_text()
    if not packed(folder).exists():
        return ""
    with tarfile.open(packed(folder)) as file:
        member = next((one for one in file if one.name == f"./{name}"), None)
        found = file.extractfile(member) if member is not None else None
        return found.read().decode() if found is not None else ""


def pack(folder: Path, file: Path, account: Account) -> None:
    """Write the copy, or the directory of a server that stands still, into ``file``. Raises TargetError for lack
    of room."""
    if packed(folder).exists():
        shutil.copyfile(packed(folder), file)
        return
    sparse = ["--sparse"] if _LINUX else []
    with file.open("wb") as written:
        _tar(["-cf", "-", *sparse, "--exclude=postmaster.pid", "."], folder, account, stdout=written)


def unpack(file: Path, folder: Path, account: Account) -> None:
    """Make ``folder`` of what ``pack`` wrote. Raises TargetError if it cannot, for lack of room."""
    account.folder(folder)
    with file.open("rb") as read:
        _tar(["-xpf", "-"], folder, account, stdin=read)


def _tar(words: list[str], folder: Path, account: Account, **streams: Any) -> None:
    """The system's own: Python's would need ten times as long."""
    how: dict[str, Any] = {"cwd": folder, "stderr": subprocess.PIPE, **streams}
    done = subprocess.run(["tar", *words], check=False, **how, **account.dropped())
    if done.returncode > _CHANGED:
        said = " ".join(done.stderr.decode(errors="replace").split())[-200:]
        raise TargetError(f"the databases' files: {said}", do="see that there is room")
