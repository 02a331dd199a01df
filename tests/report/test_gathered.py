"""The results of a run, gathered from what its drills left on the disk."""

from __future__ import annotations

import json
from pathlib import Path

from drillbook.report.gathered import gather
from drillbook.report.manifest import write


def finished(run: Path, name: str, run_id: str, verdict: str = "PASS") -> None:
    folder = run / name
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("")
    (folder / "drill.json").write_text(json.dumps({"run_id": run_id}))
    (folder / "verdict.json").write_text(json.dumps({"drill": name, "verdict": verdict, "evidence": name}))
    write(folder)


def killed(run: Path, name: str, *rows: str) -> None:
    (run / name).mkdir(parents=True)
    (run / name / "events.jsonl").write_text("\n".join(rows))


def test_results_come_in_the_order_of_the_drills_and_carry_their_root_hash(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        finished(tmp_path, f"drill-{number}", f"20260101-000000-abc-{number}")
    found = gather(tmp_path)
    assert [entry["drill"] for entry in found] == ["drill-1", "drill-2", "drill-10"]
    assert found[0]["root"] == json.loads((tmp_path / "drill-1" / "manifest.json").read_text())["root"]


def test_a_drill_whose_process_was_killed_is_invalid_and_keeps_its_place(tmp_path: Path) -> None:
    finished(tmp_path, "whole", "r-1")
    told = {"kind": "started", "name": "Store lost", "service": "notes", "target": "local", "basis": "measured-local"}
    killed(tmp_path, "store-lost", json.dumps(told | {"run_id": "r-0"}), '{"kind": "stage", "na')
    first, second = gather(tmp_path)
    assert (first["drill"], first["service"], first["verdict"]) == ("Store lost", "notes", "INVALID")
    assert "ended before the drill did" in first["causes"][0]
    assert second["verdict"] == "PASS"


def test_a_drill_that_was_killed_before_it_said_anything_comes_last_under_its_folders_name(tmp_path: Path) -> None:
    finished(tmp_path, "whole", "r-0")
    killed(tmp_path, "a-silent-one")
    assert [entry["drill"] for entry in gather(tmp_path)] == ["whole", "a-silent-one"]


def test_a_run_without_drills_has_no_results(tmp_path: Path) -> None:
    assert gather(tmp_path / "none") == []
