"""Repositories of one service each, drilled by the command itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from .repository import Repository


@pytest.fixture
def notes(tmp_path: Path) -> Repository:
    """The notes service, drilled in a few seconds."""
    repository = Repository(tmp_path / "repository", "notes-http")
    repository.edit({"hold: 2 s": "hold: 500 ms"})
    return repository
