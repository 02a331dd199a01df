"""The ``drillbook`` command.

Each command is a thin front of the library, imported when it is called, so that ``--help`` answers at once. Whatever
goes wrong is told in one line on standard error. Exit codes: 0 all drills pass · 1 an objective was missed, or was not
shown to be met · 2 wrong usage or configuration · 3 refused by a rail · 4 the drill itself is broken · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Exit, TyperException

from drillbook.cli.cloud_commands import cloud_app
from drillbook.cli.options import AsJson, Root
from drillbook.cli.programme_commands import programme_app
from drillbook.errors import DrillbookError

app = typer.Typer(
    name="drillbook",
    help="Chaos and disaster-recovery drills as code.",
    epilog="Exit codes: 0 all pass · 1 an objective missed or not shown to be met · 2 wrong usage or configuration · "
    "3 refused by a rail · 4 the drill itself is broken · 130 interrupted.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(cloud_app, name="cloud")
app.add_typer(programme_app, name="programme")

Service = Annotated[str | None, typer.Argument(help="Name of a service; all services if left out.", show_default=False)]
Drill = Annotated[
    list[str] | None,
    typer.Option("--drill", metavar="NAME", help="Only the drills whose name contains this; may be repeated."),
]
Target = Annotated[
    str | None, typer.Option(help="Where to drill: embedded, local, or another of the service's targets.")
]
ProgrammeName = Annotated[
    str | None, typer.Option("--programme", help="Only the drills of this programme of drills/programmes.yaml.")
]
Sabotage = Annotated[
    str | None, typer.Option(help="Spoil the recovery as the service file says; must turn the drill red.")
]


@app.callback(invoke_without_command=True)
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if debug:
        os.environ["DRILLBOOK_DEBUG"] = "1"
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"drillbook {version_of('drillbook')}")
        raise Exit


@app.command("list", epilog="Example: drillbook list --json")
def list_(root: Root = None, as_json: AsJson = False) -> None:
    """List the services, their drills and their sabotages."""
    from drillbook.cli import listing

    listing.show(root, as_json=as_json)


@app.command(epilog="Example: drillbook plan product-lambda --drill corrupted")
def plan(
    service: Service = None,
    drill: Drill = None,
    target: Target = None,
    sabotage: Sabotage = None,
    programme: ProgrammeName = None,
    root: Root = None,
) -> None:
    """Show what a run would do: targets, blast radius, steps, objectives, what is restored. Touches nothing."""
    from drillbook.cli.run import Wish, run

    raise Exit(run(root, Wish(service, tuple(drill or ()), target, sabotage, plan_only=True, programme=programme)))


@app.command(
    epilog="Example: drillbook run product-lambda --json out.json · drillbook run --programme monthly · "
    "drillbook run --programme ci -n 2 · drillbook run product-lambda --interactive"
)
def run(
    service: Service = None,
    drill: Drill = None,
    target: Target = None,
    sabotage: Sabotage = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the results there, as JSON.")
    ] = None,
    reports: Annotated[Path | None, typer.Option(help="Where reports go; by default reports/ of the root.")] = None,
    rate: Annotated[float | None, typer.Option(help="Canary operations per second; by default the service's.")] = None,
    keep_cloud: Annotated[bool, typer.Option("--keep-cloud", help="Leave the last drill's cloud running.")] = False,
    programme: ProgrammeName = None,
    workers: Annotated[
        int, typer.Option("-n", "--workers", min=1, help="Drills side by side, each worker in a cloud of its own.")
    ] = 1,
    go: Annotated[bool, typer.Option("--go", help="Really break things, where the target is an AWS account.")] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Ask at the terminal whether each manual step is done.")
    ] = False,
    root: Root = None,
) -> None:
    """Run drills, measure them, and write the report.

    Without --interactive, manual steps are acknowledged automatically on emulated and local targets, and fail on an AWS
    account.
    """
    from drillbook.cli.run import Wish, run

    wish = Wish(
        service,
        tuple(drill or ()),
        target,
        sabotage,
        json_file,
        reports,
        rate,
        keep_cloud,
        go,
        workers=workers,
        programme=programme,
        interactive=interactive,
    )
    raise Exit(run(root, wish))


@app.command(epilog="Example: drillbook due · drillbook due --json --as-of 2026-03-01 --reports reports")
def due(
    as_json: AsJson = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="As if it were then: a date, or a moment in ISO 8601.")
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(help="Where the evidence is; by default reports/ of the root.")
    ] = None,
    root: Root = None,
) -> None:
    """Tell which drills of the programmes are overdue, due soon or done. Exit code 1 if one is overdue."""
    from drillbook.cli import programmes

    raise Exit(programmes.due(root, as_of=as_of, reports=reports, as_json=as_json))


@app.command(epilog="Example: drillbook heal --json")
def heal(
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Also heal a run that is still alive.")] = False,
    root: Root = None,
) -> None:
    """Restore whatever drills left broken, from the journal. Exit code 0 only if nothing remains."""
    from drillbook.cli import healing

    raise Exit(healing.heal(root, force=force, as_json=as_json))


@app.command(epilog="Example: drillbook doctor product-lambda")
def doctor(
    service: Service = None,
    target: Target = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine, the target, what the target truly can do, and the journal."""
    from drillbook.cli import doctor

    raise Exit(doctor.examine(root, service, target=target, as_json=as_json))


@app.command(epilog="Example: drillbook verify reports/latest/shop-a-bad-deployment")
def verify(
    directory: Annotated[Path, typer.Argument(help="Evidence directory of one drill.")],
    as_json: AsJson = False,
) -> None:
    """Recompute a drill's verdict from its evidence, and check that nothing in it was changed."""
    from drillbook.cli import verification

    raise Exit(verification.verify(directory, as_json=as_json))


@app.command(epilog="Example: drillbook review reports/latest/notes-http-the-server-and-its-store-are-lost")
def review(
    directory: Annotated[Path, typer.Argument(help="The evidence directory of one drill.")],
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """Write a post-incident review from a drill's evidence, as Markdown for people to complete."""
    from drillbook.cli import reviewing

    reviewing.show(directory, out)


@app.command(epilog="Example: drillbook init my-drills")
def init(
    directory: Annotated[Path, typer.Argument(help="Folder to fill; made if it is not there.")] = Path(),
) -> None:
    """Lay out a repository of drills of your own, with a first drill that passes. Overwrites nothing."""
    from drillbook.cli import init

    init.scaffold(directory)


@app.command(epilog="Example: drillbook steps --markdown > docs/step-catalogue.md")
def steps(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown page.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the sentences which features can be written with."""
    from drillbook.cli import catalogue

    catalogue.show(markdown=markdown, as_json=as_json)


def _tell(message: str) -> None:
    typer.echo(f"drillbook: {' '.join(message.split())}", err=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. ``arguments`` defaults to the process's own."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = app(args=words, prog_name="drillbook", standalone_mode=False)
    except TyperException as error:
        _tell(f"{error.format_message()} — see: drillbook --help")
        return 2
    except DrillbookError as error:
        if os.environ.get("DRILLBOOK_DEBUG"):
            raise
        _tell(str(error))
        return error.exit_code
    except OSError as error:
        if os.environ.get("DRILLBOOK_DEBUG"):
            raise
        path = f": {error.filename}" if error.filename else ""
        _tell(f"{error.strerror or error}{path} — check that this path is there, and yours to use")
        return DrillbookError.exit_code
    return code if isinstance(code, int) else 0
