"""``drillbook verify``: judge the evidence again."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def verify(directory: Path, *, as_json: bool) -> int:
    """Print what was recomputed and return 0. Raises EvidenceError if the evidence was changed or is not whole."""
    from drillbook.report import verify as verification

    found = verification.verify(directory)
    typer.echo(json.dumps(found.as_json()) if as_json else str(found))
    return 0
