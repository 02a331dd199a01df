from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.embedded.dynamodb.history import History

instants = st.integers(0, 20).map(float)
changes = st.lists(st.tuples(instants, st.sampled_from("abc"), st.none() | st.integers(0, 5))).map(
    lambda drawn: sorted(drawn, key=lambda change: change[0])
)
bases = st.dictionaries(st.sampled_from("abc"), st.integers(0, 5))


def replayed(base: dict[str, int], drawn: list[tuple[float, str, int | None]], instant: float) -> dict[str, int]:
    last = {key: value for at, key, value in drawn if at <= instant}
    return {key: value for key, value in (base | last).items() if value is not None}


@settings(deadline=None, max_examples=100)
@given(base=bases, drawn=changes, instant=instants)
def test_the_last_change_until_an_instant_is_what_counts(
    base: dict[str, int], drawn: list[tuple[float, str, int | None]], instant: float
) -> None:
    history: History[str, int] = History(0.0, base)
    for change in drawn:
        history.append(*change)
    assert history.as_of(instant) == replayed(base, drawn, instant)


@settings(deadline=None, max_examples=100)
@given(base=bases, drawn=changes, forgotten=instants, later=st.integers(0, 20))
def test_forgetting_the_old_changes_nothing_about_the_rest(
    base: dict[str, int], drawn: list[tuple[float, str, int | None]], forgotten: float, later: int
) -> None:
    history: History[str, int] = History(0.0, base)
    for change in drawn:
        history.append(*change)
    history.forget_before(forgotten)
    assert history.since == forgotten
    assert all(at > forgotten for at, _, _ in history.changes) or forgotten == 0
    assert history.as_of(forgotten + later) == replayed(base, drawn, forgotten + later)
