"""Manual steps: a person is asked at the terminal, past pytest's capture, where there is a person."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from drillbook.runner import nobody_confirms

if TYPE_CHECKING:
    from drillbook.recovery import Step

TERMINAL = Path("/dev/tty")
_YES = ("y", "yes", "done")


def confirmation(
    shown: TextIO | None, tell: Callable[[str], None], terminal: Path = TERMINAL
) -> Callable[[Step], bool]:
    """Ask by ``tell``, read the answer from ``terminal``. In CI, or if ``shown`` is no terminal, nobody confirms."""
    if shown is None or not shown.isatty() or os.environ.get("CI"):
        return nobody_confirms

    def ask(step: Step) -> bool:
        tell(f"manual step {step.name!r}: is it done? Type y or n, then Enter")
        try:
            with terminal.open() as keyboard:
                return keyboard.readline().strip().lower() in _YES
        except OSError:
            return nobody_confirms(step)

    return ask
