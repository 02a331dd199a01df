"""Saving the world of a running embedded cloud, and loading it into a fresh one; from outside its process."""

from __future__ import annotations

from pathlib import Path

from drillbook.embedded import process
from drillbook.embedded.process import Cloud


def save(cloud: Cloud, path: Path) -> None:
    """Write everything that ``cloud`` holds to ``path`` (0600), replacing it. Requests wait meanwhile.

    Raises TargetError if requests do not end, something cannot be saved, the disk is full, or the cloud is gone.
    """
    process.command(cloud, "save", {"file": str(path.absolute())})


def load(cloud: Cloud, path: Path) -> None:
    """Put a saved world into ``cloud``, which nobody has called yet. Executes code from the file: see world_file.

    Raises TargetError if the file may not be read or does not fit, or the cloud is gone or was used already.
    """
    process.command(cloud, "load", {"file": str(path.absolute())})
