"""What is overdue: only a pass counts, a failure is due at once, and evidence that was changed counts for nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.clock import VirtualClock
from drillbook.programme.due import Standing, stand
from drillbook.programme.model import Programme
from drillbook.programme.past import Outing

from .conftest import Outing as Make
from .conftest import Said

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
Call = Callable[..., Said]


def seen(ended: datetime, verdict: str = "PASS") -> Outing:
    return Outing(Path("run/drill"), "notes", "The server dies", "local", verdict, ended, "run-0")


def weekly() -> Programme:
    return Programme.model_validate({"every": "7 d", "grace": "2 d"})


@pytest.mark.parametrize(
    ("days", "standing"),
    [
        (0, "done"),
        (5, "done"),
        (6, "soon"),
        (6.99, "soon"),
        (7, "due"),
        (9, "due"),
        (9.01, "overdue"),
        (900, "overdue"),
    ],
)
def test_a_drill_that_passed_comes_round_again(days: float, standing: str) -> None:
    assert stand(weekly(), [seen(START)], START + days * DAY)[0] == standing


def test_a_drill_that_failed_since_is_due_at_once_and_one_that_never_passed_is_overdue() -> None:
    later = START + DAY
    for verdict in ("FAIL", "INCONCLUSIVE", "INVALID"):
        standing, why, _, due = stand(weekly(), [seen(later, verdict), seen(START)], later)
        assert (standing, due) == (Standing.OVERDUE, later)
        assert verdict in why
    assert stand(weekly(), [], START)[0] is Standing.OVERDUE
    assert stand(weekly(), [seen(START, "NOT SIMULATED")], START)[0] is Standing.OVERDUE


def test_a_drill_that_could_not_be_simulated_changes_nothing() -> None:
    assert stand(weekly(), [seen(START + DAY, "NOT SIMULATED"), seen(START)], START + DAY)[0] is Standing.DONE


@given(every=st.integers(1, 400), grace=st.integers(0, 60), steps=st.lists(st.floats(0, 40), min_size=1, max_size=30))
def test_time_alone_only_makes_a_drill_more_pressing(every: int, grace: int, steps: list[float]) -> None:
    programme = Programme.model_validate({"every": f"{every} d", "grace": f"{grace} d"})
    clock = VirtualClock(START)
    order, before = [Standing.DONE, Standing.SOON, Standing.DUE, Standing.OVERDUE], 0
    for days in steps:
        clock.sleep(days * 86400)
        standing, _, _, due = stand(programme, [seen(START)], clock.now())
        assert due == START + every * DAY
        assert order.index(standing) >= before
        assert (standing is Standing.OVERDUE) == (clock.now() > due + grace * DAY)
        assert (standing in (Standing.DUE, Standing.OVERDUE)) == (clock.now() >= due)
        before = order.index(standing)


@given(
    moment=st.datetimes(
        datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2100-01-01"), timezones=st.just(UTC)
    )
)
def test_a_monthly_calendar_is_due_once_in_each_month(moment: datetime) -> None:
    monthly = Programme.model_validate({"calendar": "0 6 1 * *"})
    due = monthly.due_after(moment)
    assert (due.day, due.hour) == (1, 6)
    assert timedelta(0) < due - moment <= timedelta(days=31)


def lines(told: str) -> dict[tuple[str, str], dict[str, str]]:
    return {(line["programme"], line["drill"]): line for line in json.loads(told)["drills"]}


def test_due_lists_every_drill_of_every_programme_and_is_red_while_one_is_overdue(call: Call, outing: Make) -> None:
    outing(START)
    outing(START, drill="The disk is full")
    code, out, err = call("due", "--json", "--as-of", "2026-01-01T12:30:00Z")
    assert (code, err) == (0, "")
    assert {line["standing"] for line in lines(out).values()} == {"done"}
    code, out, _ = call("due", "--json", "--as-of", "2026-01-05")
    assert code == 1
    found = lines(out)
    assert found["weekly", "The server dies"]["standing"] == "done"
    assert found["ci", "The disk is full"]["standing"] == "overdue"
    assert found["ci", "The disk is full"]["due"] == "2026-01-02T05:30:00.000Z"


def test_the_table_begins_with_the_most_pressing(call: Call, outing: Make) -> None:
    outing(START)
    code, out, _ = call("due", "--as-of", "2026-01-01")
    head, first, *_ = out.splitlines()
    assert code == 1
    assert head.split()[:2] == ["standing", "programme"]
    assert first.startswith("✗  overdue")
    assert "notes · The disk is full" in first
    assert "has never passed" in first


def test_what_happened_later_is_not_known_yet(call: Call, outing: Make) -> None:
    outing(START)
    outing(START + 3 * DAY, "FAIL")
    _, out, _ = call("due", "--json", "--as-of", "2026-01-02")
    assert lines(out)["weekly", "The server dies"]["standing"] == "done"
    _, out, _ = call("due", "--json", "--as-of", "2026-01-04")
    assert lines(out)["weekly", "The server dies"]["why"] == "the last run was FAIL: due at once"


def test_changed_evidence_does_not_count_and_is_named(call: Call, outing: Make) -> None:
    folder = outing(START, "FAIL")
    (folder / "verdict.json").write_text('{"verdict": "PASS"}')
    code, out, err = call("due", "--as-of", "2026-01-01")
    assert code == 1
    assert "weekly     notes · The server dies   –" in out
    assert "verdict.json" in err
    assert "was changed after the drill" in err


def test_evidence_whose_manifest_was_rewritten_does_not_fit_the_trend(call: Call, outing: Make, root: Path) -> None:
    from drillbook.report import manifest

    folder = outing(START, "FAIL")
    kept = json.loads((folder / "manifest.json").read_text())["root"]
    (root / "reports" / "trend.jsonl").write_text(json.dumps({"run_id": "run-0-0", "root": kept}) + "\n")
    (folder / "verdict.json").write_text('{"verdict": "PASS"}')
    manifest.write(folder)
    _, out, _ = call("due", "--json", "--as-of", "2026-01-01")
    assert lines(out)["weekly", "The server dies"]["why"] == "has never passed"
    assert "is not the one that the trend kept" in json.loads(out)["not_believed"][0]


def test_a_sabotaged_drill_and_one_of_another_target_say_nothing(
    call: Call, outing: Make, written: Callable[[str], Path]
) -> None:
    written("programmes:\n  ci: {every: 1 d, target: local, drills: [{service: notes, tag: quick}]}\n")
    outing(START)
    outing(START + timedelta(minutes=1), "FAIL", sabotage="not started")
    outing(START + timedelta(minutes=2), "FAIL", target="aws")
    code, out, _ = call("due", "--json", "--as-of", "2026-01-01")
    assert (code, lines(out)["ci", "The server dies"]["standing"]) == (0, "done")


def test_evidence_that_is_rubbish_is_told_and_the_rest_still_counts(call: Call, outing: Make, root: Path) -> None:
    outing(START)
    for name in ("drill.json", "events.jsonl"):
        broken = outing(START)
        (broken / name).write_text("[" if name == "drill.json" else '{"utc": "2026-01-01T00:00:00"}')
    code, out, _ = call("due", "--json", "--as-of", "2026-01-01")
    assert code == 1, "the other drill has never passed"
    assert lines(out)["weekly", "The server dies"]["standing"] == "done"
    assert len(json.loads(out)["not_believed"]) == 2


@pytest.mark.parametrize("words", [("--as-of", "tomorrow"), ("--reports", "nowhere")])
def test_due_says_what_it_cannot_use(call: Call, root: Path, words: tuple[str, str]) -> None:
    code, out, err = call("due", *words)
    assert (code, out) == (2, "")
    assert words[1] in err
