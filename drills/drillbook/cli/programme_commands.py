"""``drillbook programme …``: the commands, as thin as those in ``main``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drillbook.cli.options import AsJson, Root

programme_app = typer.Typer(
    help="What is drilled how often: drills/programmes.yaml.", no_args_is_help=True, rich_markup_mode=None
)


class Format(StrEnum):
    GITHUB = "github"
    CRONTAB = "crontab"


@programme_app.command("list", epilog="Example: drillbook programme list --json")
def list_(root: Root = None, as_json: AsJson = False) -> None:
    """List the programmes, their cadence, owner and drills."""
    from drillbook.cli import programmes

    programmes.list_(root, as_json=as_json)


@programme_app.command(epilog="Example: drillbook programme show monthly")
def show(
    name: Annotated[str, typer.Argument(help="Name of a programme.")], root: Root = None, as_json: AsJson = False
) -> None:
    """Show one programme and the drills that it means."""
    from drillbook.cli import programmes

    programmes.show(root, name, as_json=as_json)


@programme_app.command(
    epilog="Example: drillbook programme export --format github --into .github/workflows · "
    "drillbook programme export --format crontab | crontab -"
)
def export(
    format_: Annotated[Format, typer.Option("--format", help="What is to run the programmes.")] = Format.GITHUB,
    into: Annotated[Path | None, typer.Option(help="Folder for the files; they are printed if left out.")] = None,
    root: Root = None,
) -> None:
    """Write the calendar for GitHub Actions, with a workflow for pull requests, or for cron."""
    from drillbook.cli import programme_export

    programme_export.export(root, str(format_), into)
