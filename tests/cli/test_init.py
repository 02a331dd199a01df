"""`drillbook init` lays out a repository, and never overwrites."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drillbook.cli import init


def test_it_lays_out_a_repository_that_lists_its_drill(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "my drills"
    said = call("init", str(target))
    assert said.code == 0
    for name in ("README.md", ".gitignore", "conftest.py", "steps/announcements.py", "drills/notes-http/service.yaml"):
        assert (target / name).is_file()
    monkeypatch.chdir(target)
    (service,) = json.loads(call("list", "--json").out)["services"]
    assert service["service"] == "notes-http"
    assert len(service["drills"]) >= 1


def test_the_first_drill_uses_the_repositorys_own_sentence(tmp_path: Path) -> None:
    features = [content.decode() for name, content in init.contents().items() if name.endswith(".feature")]
    assert any(init._ANNOUNCEMENT in feature for feature in features)


def test_it_overwrites_nothing(call, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("mine")
    said = call("init", str(tmp_path))
    assert said.code == 2
    assert "holds conftest.py already" in said.line
    assert [path.name for path in tmp_path.iterdir()] == ["conftest.py"]
    assert (tmp_path / "conftest.py").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_one_line(call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = call("init", str(tmp_path / "file" / "below"))
    assert said.code == 4
    assert "Not a directory" in said.line
