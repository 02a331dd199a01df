from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.cli.main import main

EVENT = '{"kind": "started", "name": "A drill", "at": 1.0, "utc": "2026-01-01T00:00:00.000Z"}\n'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "shop-a-drill").mkdir()
    (tmp_path / "shop-a-drill" / "events.jsonl").write_text(EVENT)
    return tmp_path


def test_a_review_is_printed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(run / "shop-a-drill")]) == 0
    assert capsys.readouterr().out.startswith("# Post-incident review: shop-a-drill\n")


def test_a_review_is_written_to_a_file(run: Path) -> None:
    assert main(["review", str(run / "shop-a-drill"), "--out", str(run / "review.md")]) == 0
    assert "## Action items" in (run / "review.md").read_text()


def test_a_whole_run_names_the_drills_to_choose_from(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(run)]) == 2
    assert "give one of its drills: shop-a-drill" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(run / "shop-a-drill"), "--out", str(run)]) == 2
    assert "cannot be written" in capsys.readouterr().err
