"""Given: the service, its canary, its steady state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import given

from drillbook_steps import phrases
from drillbook_steps.phrases import sentence

if TYPE_CHECKING:
    from drillbook.drill import Drill


@given(phrases.SERVICE)
def _(drill: Drill, service: str) -> None:
    """The service to be drilled, by its name in ``drills/<folder>/service.yaml``. Checks the rails and stands it up."""
    drill.prepare(service)


@given(phrases.SERVICE_IN_REGION)
def _(drill: Drill, service: str, region: str) -> None:
    """The same, in another region than the service's primary one."""
    drill.prepare(service, region=region)


@given(sentence("the canary is running"))
def _(drill: Drill) -> None:
    """A client of its own process writes, reads and deletes numbered records, at the rate of the service file."""
    drill.start_canary()


@given(sentence("the canary makes {rate:d} requests a second"))
def _(drill: Drill, rate: int) -> None:
    """The same at another rate: the measured interval is a few requests wide."""
    drill.start_canary(rate=float(rate))


@given(sentence("the service is in steady state"))
def _(drill: Drill) -> None:
    """Every steady-state probe holds, for the hold time, before anything is broken."""
    drill.await_steady_state()
