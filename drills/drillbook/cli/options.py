"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Root = Annotated[
    Path | None, typer.Option("--root", help="Folder that holds drills/ and features/; by default found upwards.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
