"""Whatever a file holds, reading it either works or tells a place."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook import service as services

from .conftest import REPOSITORY, SMALLEST

WHOLE = (REPOSITORY / "drills" / "notes-http" / "service.yaml").read_text()
LINES = WHOLE.splitlines(keepends=True)

SCRAPS = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        "- ",
        "\n",
        "\t",
        "*a",
        "&a ",
        "!!x ",
        "'",
        '"',
        "|",
        "?",
        "%",
        "\\x",
        "é",
        "\x85",
        ",",
    ]
) | st.text(max_size=8)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid file with a few cuts, insertions, doubled and moved lines."""
    text = draw(st.sampled_from([WHOLE, SMALLEST]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at] + draw(SCRAPS) + text[at:]
            case 1:
                text = text[:at] + text[at + draw(st.integers(1, 30)) :]
            case 2:
                text = text[:at] + draw(st.sampled_from(LINES)) + text[at:]
            case _:
                text = text[:at]
    return text


@settings(deadline=None, max_examples=120)
@given(text=mutated() | st.text(max_size=60))
def test_any_text_loads_or_tells_a_place_in_one_line(text: str) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        path = folder / "service.yaml"
        path.write_text(text, encoding="utf-8", errors="replace")
        for error in services.mistakes(path):
            assert "\n" not in str(error)
            assert 1 <= error.line <= text.count("\n") + text.count("\r") + text.count("\x85") + 3
            assert error.column >= 1
            assert error.do
    finally:
        shutil.rmtree(folder)
