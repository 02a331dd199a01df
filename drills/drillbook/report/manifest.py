"""The manifest: the SHA-256 of every file of an evidence directory, and one root hash over them all.

The manifest shows that files were changed after the drill. Somebody who can rewrite the files can rewrite the manifest
too: keep the root hash elsewhere (it is in results.json, in the trend and in the terminal's summary) and compare.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from drillbook.errors import EvidenceError
from drillbook.events import Json
from drillbook.report import strict_json

NAME = "manifest.json"


def write(directory: Path) -> str:
    """Hash every file of ``directory``, write the manifest last, and return the root hash."""
    files = {path.name: _sha256(path) for path in _files(directory)}
    root = root_of(files)
    (directory / NAME).write_text(_document(root, files), encoding="utf-8")
    return root


def check(directory: Path) -> str:
    """Compare the files with the manifest return the root hash. Raises EvidenceError naming the first difference."""
    root, listed = _read(directory)
    present = {path.name: path for path in _files(directory)}
    for name in sorted(listed.keys() - present.keys()):
        raise EvidenceError(f"{name} is missing from {directory}", do="restore the file as the drill wrote it")
    for name in sorted(present.keys() - listed.keys()):
        raise EvidenceError(f"{name} in {directory} was added after the drill", do="remove it and verify again")
    for name, digest in listed.items():
        if _sha256(present[name]) != digest:
            raise EvidenceError(f"{name} in {directory} was changed after the drill", do="restore it and verify again")
    return root


def root_of(files: dict[str, str]) -> str:
    """The hash over all names and hashes, in the order of names, written as ``sha256sum`` writes them."""
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def _read(directory: Path) -> tuple[str, dict[str, str]]:
    if directory.is_dir() and not (directory / NAME).exists() and (directory / "events.jsonl").exists():
        raise EvidenceError(f"{NAME} is missing from {directory}", do="run the drill again: this one did not finish")
    written = strict_json.text(directory / NAME)
    value = strict_json.read(directory / NAME)
    if not _well_formed(value):
        raise EvidenceError(f"{NAME} in {directory} is malformed", do="restore it as the drill wrote it")
    if value["root"] != root_of(value["files"]) or written != _document(value["root"], value["files"]):
        raise EvidenceError(f"{NAME} in {directory} was changed after the drill", do="restore it and verify again")
    return value["root"], value["files"]


def _well_formed(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("root"), str)
        and isinstance(value.get("files"), dict)
        and all(isinstance(digest, str) for digest in value["files"].values())
    )


def _document(root: str, files: dict[str, str]) -> str:
    return strict_json.document({"algorithm": "sha256", "root": root, "files": dict(sorted(files.items()))})


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.name != NAME)
    except OSError as error:
        raise EvidenceError(
            f"{directory} cannot be read: {error.strerror}", do="give a drill's evidence directory"
        ) from None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise EvidenceError(
            f"{path.name} cannot be read: {error.strerror}", do="restore it as the drill wrote it"
        ) from None
