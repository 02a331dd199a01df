from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from drillbook.measure.canary_settings import CanarySettings
from drillbook.measure.history import ABSENT, WRITES, Kind, Res
from drillbook.measure.ledger import Errand, Ledger

ALL = frozenset(Kind)


def ledger(kinds: frozenset[Kind] = ALL, seed: int = 1) -> Ledger:
    return Ledger(CanarySettings("t", rate=20, seed=seed), kinds)


def answered(book: Ledger, errand: Errand, now: float) -> None:
    book.note(errand, Res.OK, errand.ver if errand.f is Kind.READ else None, now)


def errands(book: Ledger, count: int, start: float = 0.0) -> list[Errand]:
    done = []
    for i in range(count):
        now = start + i / 20
        done.append(book.next(now))
        answered(book, done[-1], now)
    return done


def test_the_mix_is_three_writes_three_reads_and_four_probes_in_ten() -> None:
    counts = Counter("write" if errand.f in WRITES else errand.f for errand in errands(ledger(), 1000))
    assert counts[Kind.PROBE] == pytest.approx(400, abs=5)
    assert counts["write"] == 300
    assert counts[Kind.READ] == pytest.approx(300, abs=5)


def test_the_same_seed_gives_the_same_errands() -> None:
    assert errands(ledger(), 200) == errands(ledger(), 200)
    assert errands(ledger(), 200) != errands(ledger(seed=2), 200)


def test_every_kind_of_write_is_done_and_versions_count_up() -> None:
    done = [errand for errand in errands(ledger(), 400) if errand.f in WRITES]
    assert {errand.f for errand in done} == WRITES
    for key in {errand.key for errand in done}:
        versions = [errand.ver for errand in done if errand.key == key]
        assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("kinds", [{Kind.PROBE}, {Kind.INSERT}, {Kind.INSERT, Kind.READ}, {Kind.READ, Kind.PROBE}])
def test_only_what_is_offered_is_asked(kinds: set[Kind]) -> None:
    assert {errand.f for errand in errands(ledger(frozenset(kinds)), 100)} <= kinds


def test_a_key_has_one_operation_at_a_time() -> None:
    book, busy = ledger(), set()
    for i in range(300):
        errand = book.next(i / 20)
        assert errand.key not in busy or not errand.key
        busy.add(errand.key)


def test_a_key_with_an_unknown_outcome_is_retired() -> None:
    book, retired = ledger(), set()
    for i in range(600):
        errand = book.next(i / 20)
        assert errand.key not in retired
        if errand.f in WRITES and i % 3 == 0:
            book.note(errand, Res.INFO, None, i / 20)
            retired.add(errand.key)
        else:
            answered(book, errand, i / 20)


def test_a_key_is_written_only_in_its_first_seconds() -> None:
    born: dict[str, float] = {}
    for i, errand in enumerate(errands(ledger(), 1000)):
        if errand.f in WRITES:
            assert i / 20 - born.setdefault(errand.key, i / 20) <= 2.01


def test_a_suspect_is_read_again_until_it_is_well() -> None:
    book = ledger()
    errands(book, 100)
    bad = next(errand for i in range(100) if (errand := book.next(5.0)).f is Kind.READ or answered(book, errand, 5.0))
    book.note(bad, Res.OK, ABSENT if bad.ver else 1, 5.0)
    again = [errand for errand in errands(book, 20, 5.1) if errand.key == bad.key]
    assert [errand.f for errand in again][:1] == [Kind.READ]


def all_missing(book: Ledger, seconds: int, start: float) -> dict[str, list[float]]:
    """When each record was looked at while every read shows nothing, or what should be gone."""
    looked: dict[str, list[float]] = {}
    for i in range(20 * seconds):
        now = start + i / 20
        errand = book.next(now)
        if errand.f is Kind.READ:
            book.note(errand, Res.OK, ABSENT if errand.ver else 1, now)
            looked.setdefault(errand.key, []).append(now)
        else:
            answered(book, errand, now)
    return looked


def test_suspects_are_few_and_come_round_within_a_second_or_so() -> None:
    book = ledger()
    errands(book, 400)
    often = [times for times in all_missing(book, 20, 20.0).values() if len(times) >= 5]
    assert often
    assert all(sorted(b - a for a, b in pairwise(times))[len(times) // 2] < 2.5 for times in often)


def test_an_old_suspect_is_kept_in_view_however_many_new_ones_there_are() -> None:
    book = ledger()
    errands(book, 400)
    looked = all_missing(book, 60, 20.0)
    latest = looked[min(looked)][-20:]
    assert latest[-1] > 77.0
    assert max(b - a for a, b in pairwise(latest)) < 2.5
    assert sum(len(times) >= 3 for times in looked.values()) > 10, "others have their turn, too"


def test_a_failing_kind_of_write_is_tried_again_first() -> None:
    book, kinds = ledger(), []
    for i in range(200):
        now = i / 20
        errand = book.next(now)
        if errand.f in WRITES:
            kinds.append(errand.f)
        book.note(
            errand, Res.FAIL if errand.f is Kind.DELETE else Res.OK, errand.ver if errand.f is Kind.READ else None, now
        )
    after = kinds[kinds.index(Kind.DELETE) :]
    assert Counter(after)[Kind.DELETE] > len(after) / 2
