"""A sabotaged drill as its user runs it: red, with the cause, and healed all the same."""

from __future__ import annotations

from .repository import Repository


def assert_red(repository: Repository, sabotage: str, cause: str) -> None:
    """``cause``: words that one of the drill's causes must say."""
    done, (drill,) = repository.drilled("--sabotage", sabotage, timeout=400)
    assert (done.code, drill["verdict"]) == (1, "FAIL"), done
    assert cause in " ".join(drill["causes"])
    assert drill["leftovers"] == 0
    assert repository.open_changes() == 0
