"""``drillbook review``: a post-incident review from the evidence of one drill."""

from __future__ import annotations

from pathlib import Path

import typer

from drillbook.errors import UsageError
from drillbook.report import record, review


def show(directory: Path, out: Path | None) -> None:
    """Print the review, or write it to ``out``. Raises UsageError, EvidenceError if there is nothing to review."""
    if not (directory / "events.jsonl").is_file():
        drills = sorted(path.parent.name for path in directory.glob("*/events.jsonl"))
        do = f"give one of its drills: {', '.join(drills)}" if drills else "give a drill's evidence directory"
        raise UsageError(f"{directory} is no evidence of one drill", do=do)
    text = review.markdown(record.read(directory))
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}", do="name another file") from None
