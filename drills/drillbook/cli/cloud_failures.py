"""``drillbook cloud break`` and ``mend``: failure domains of the embedded cloud, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from drillbook.cli.cloud import running_cloud
from drillbook.embedded import process
from drillbook.embedded.addresses import REGIONS
from drillbook.embedded.domains import Failures, Kind, ServiceFault
from drillbook.errors import UsageError
from drillbook.service_yaml import nearest


def region(given: Path | None, name: str) -> None:
    """Nothing there answers, no process of its runs."""
    _break(given, f"region {name} is dark", regions=frozenset({_known(name)}))


def zone(given: Path | None, name: str) -> None:
    """Processes of that availability zone stop."""
    _known(name[:-1])
    _break(given, f"zone {name} is dark", zones=frozenset({name}))


def link(given: Path | None, one: str, other: str) -> None:
    """Two regions do not reach one another."""
    pair = frozenset({_known(one), _known(other)})
    if len(pair) != 2:
        raise UsageError("a region always reaches itself", do="name two regions")
    _break(given, f"{one} and {other} do not reach one another", partitions=frozenset({pair}))


def service(given: Path | None, where: str, name: str, kind: Kind, seconds: float, share: float) -> None:
    """One service of one region fails."""
    fault = ServiceFault(_known(where), name, kind, seconds, share)
    _break(given, f"{name} in {where} is {kind}", services=frozenset({fault}))


def mend(given: Path | None) -> None:
    """Nothing is broken any more."""
    process.become(running_cloud(given), Failures())
    typer.echo("nothing is broken")


def _break(given: Path | None, told: str, **more: frozenset[Any]) -> None:
    cloud = running_cloud(given)
    process.break_also(cloud, Failures(**more))
    typer.echo(f"{told}; mend it with: drillbook cloud mend")


def _known(name: str) -> str:
    if name not in REGIONS:
        raise UsageError(f"there is no region {name!r}", do=nearest(name, REGIONS))
    return name
