"""Who is asked whether a manual step is done, and what counts as yes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from drillbook.errors import PermanentError
from drillbook.recovery import Step
from drillbook_steps.confirmation import confirmation

STEP = Step("call the owner", lambda: None, manual=True)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.mark.parametrize(
    ("typed", "confirmed"), [("y\n", True), ("Done\n", True), ("\n", False), ("no\n", False), ("", False)]
)
def test_a_person_at_the_terminal_is_asked(tmp_path: Path, typed: str, confirmed: bool) -> None:
    keyboard, told = tmp_path / "tty", []
    keyboard.write_text(typed)
    assert confirmation(Screen(), told.append, keyboard)(STEP) is confirmed
    assert told == ["manual step 'call the owner': is it done? Type y or n, then Enter"]


@pytest.mark.parametrize("screen", [None, io.StringIO()])
def test_nobody_is_asked_where_nobody_looks(tmp_path: Path, screen: io.StringIO | None) -> None:
    with pytest.raises(PermanentError, match="needs a person to confirm it"):
        confirmation(screen, lambda _: None, tmp_path)(STEP)


def test_nobody_is_asked_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(PermanentError, match="needs a person"):
        confirmation(Screen(), lambda _: None, tmp_path)(STEP)


def test_a_terminal_that_cannot_be_read_confirms_nothing(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="needs a person"):
        confirmation(Screen(), lambda _: None, tmp_path / "missing")(STEP)
