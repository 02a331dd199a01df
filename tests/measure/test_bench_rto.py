from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "rto.py"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_measured_intervals_contain_the_truth_and_starvation_is_invalid(tmp_path: Path) -> None:
    out = tmp_path / "rto.json"
    bench = [sys.executable, str(BENCH), "--rates", "10", "20", "--outages", "8", "--json", str(out)]
    subprocess.run(bench, check=False, timeout=350)
    told = json.loads(out.read_text())
    assert [row["missed"] for row in told["rates"]] == [[], []]
    assert [row["contained"] for row in told["rates"]] == [8, 8]
    assert told["starvation"]["verdict"] == "INVALID"
