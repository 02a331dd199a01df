"""How a plane writes small things of its own into a saved world (``planes.Keeper``)."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

_FILE = "state.pickle"


def write(folder: Path, state: Any) -> None:
    """Plain data and moto's models; no locks, threads or processes."""
    (folder / _FILE).write_bytes(pickle.dumps(state, pickle.HIGHEST_PROTOCOL))


def read(folder: Path) -> Any:
    """What ``write`` wrote there; None if the world was saved without it."""
    file = folder / _FILE
    return pickle.loads(file.read_bytes()) if file.exists() else None  # noqa: S301 - the world's file was checked
