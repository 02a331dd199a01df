"""Finding the repository whose drills are meant."""

from __future__ import annotations

import os
from pathlib import Path

from drillbook.errors import UsageError


def find_root(given: Path | None) -> Path:
    """The folder with ``drills/<service>/service.yaml`` in it.

    ``given`` if there is one; else the working directory or the nearest folder above it; else the checkout whose
    ./drillbook was called. Raises UsageError if none holds a service.
    """
    if given is not None:
        if not holds_services(given):
            raise UsageError(f"{given} holds no drills/<service>/service.yaml", do="name the folder above drills/")
        return given.resolve()
    here = Path.cwd()
    checkout = [Path(os.environ["DRILLBOOK_CHECKOUT"])] if os.environ.get("DRILLBOOK_CHECKOUT") else []
    for folder in (here, *here.parents, *checkout):
        if holds_services(folder):
            return folder
    raise UsageError(
        f"no drills/<service>/service.yaml in {here} or above it",
        do="go to your repository, give --root, or make one with: drillbook init my-drills",
    )


def holds_services(folder: Path) -> bool:
    return next(folder.glob("drills/*/service.yaml"), None) is not None


def state_dir(root: Path) -> Path:
    """Where a repository keeps its journal and its embedded cloud's state."""
    return root / ".drillbook"
