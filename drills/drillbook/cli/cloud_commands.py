"""The commands of ``drillbook cloud``: thin fronts, their libraries imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.exceptions import Exit

from drillbook.cli.options import AsJson, Root

cloud_app = typer.Typer(help="The embedded cloud: a process of its own, on this machine only.")
break_app = typer.Typer(help="Break a part of the running embedded cloud, until it is mended.")
cloud_app.add_typer(break_app, name="break")

File = Annotated[Path, typer.Argument(help="File of a saved world.")]
Region = Annotated[str, typer.Argument(help="A region, such as us-east-1.")]


@cloud_app.command("up", epilog='Example: eval "$(drillbook cloud up)"')
def cloud_up(
    speed: Annotated[float | None, typer.Option(min=1, help="AWS durations are divided by this; 100 if new.")] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay, and stop the cloud on Ctrl-C.")] = False,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Start the embedded cloud, if it is not running, and print what a shell must export to use it."""
    from drillbook.cli import cloud

    cloud.up(root, speed=speed, foreground=foreground, as_json=as_json)


@cloud_app.command("down", epilog="Example: drillbook cloud down")
def cloud_down(root: Root = None) -> None:
    """Stop the embedded cloud, and clear up after one that was killed."""
    from drillbook.cli import cloud

    cloud.down(root)


@cloud_app.command("status", epilog="Example: drillbook cloud status --json")
def cloud_status(root: Root = None, as_json: AsJson = False) -> None:
    """Show the embedded cloud: planes, processes, memory, what is broken. Exit code 1 if it does not run."""
    from drillbook.cli import cloud_status

    raise Exit(cloud_status.show(root, as_json=as_json))


@cloud_app.command("save", epilog="Example: drillbook cloud save prepared.world")
def cloud_save(file: File, root: Root = None) -> None:
    """Write everything that the running cloud holds to a file, for this user's eyes only."""
    from drillbook.cli import cloud

    cloud.save(root, file)


@cloud_app.command("load", epilog='Example: eval "$(drillbook cloud load prepared.world)"')
def cloud_load(file: File, root: Root = None, as_json: AsJson = False) -> None:
    """Start the embedded cloud with a saved world. Runs code from the file: only load what you saved yourself."""
    from drillbook.cli import cloud

    cloud.load(root, file, as_json=as_json)


@break_app.command("region", epilog="Example: drillbook cloud break region us-east-1")
def break_region(name: Region, root: Root = None) -> None:
    """Make a region dark: nothing there answers, nothing there runs."""
    from drillbook.cli import cloud_failures

    cloud_failures.region(root, name)


@break_app.command("zone", epilog="Example: drillbook cloud break zone us-east-1a")
def break_zone(name: Annotated[str, typer.Argument(help="An availability zone.")], root: Root = None) -> None:
    """Make an availability zone dark."""
    from drillbook.cli import cloud_failures

    cloud_failures.zone(root, name)


@break_app.command("link", epilog="Example: drillbook cloud break link us-east-1 us-west-2")
def break_link(one: Region, other: Region, root: Root = None) -> None:
    """Cut two regions off from one another. Clients still reach both."""
    from drillbook.cli import cloud_failures

    cloud_failures.link(root, one, other)


@break_app.command("service", epilog="Example: drillbook cloud break service us-east-1 dynamodb --kind throttled")
def break_service(
    region: Region,
    service: Annotated[str, typer.Argument(help="As in a request's signature: dynamodb, rds, execute-api.")],
    kind: Annotated[Literal["unavailable", "throttled", "slow"], typer.Option(help="How it fails.")] = "unavailable",
    seconds: Annotated[float, typer.Option(min=0, help="How much slower it is.")] = 0.0,
    share: Annotated[float, typer.Option(min=0, max=1, help="Which part of the requests is hit.")] = 1.0,
    root: Root = None,
) -> None:
    """Make one service of one region fail."""
    from drillbook.cli import cloud_failures

    cloud_failures.service(root, region, service, kind, seconds, share)


@cloud_app.command("mend", epilog="Example: drillbook cloud mend")
def cloud_mend(root: Root = None) -> None:
    """Mend everything that is broken in the embedded cloud."""
    from drillbook.cli import cloud_failures

    cloud_failures.mend(root)
