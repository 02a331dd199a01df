"""Then: detected, recovered, within the objectives, with its data and its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import then

from drillbook.objective import ObjectiveKind
from drillbook_steps import phrases
from drillbook_steps.phrases import sentence

if TYPE_CHECKING:
    from drillbook.drill import Drill


@then(phrases.DETECTED)
def _(drill: Drill, probe: str, limit: float) -> None:
    """One of the service's own detections (an alarm, a health check) turns red in time."""
    drill.detect(probe, limit)


@then(sentence("the service is back in steady state"))
def _(drill: Drill) -> None:
    """Every steady-state probe, and the canary, hold again for the hold time."""
    drill.await_recovery()


@then(phrases.UNAIDED)
def _(drill: Drill) -> None:
    """The service came back by itself: no recovery plan was run, and nothing was changed but by the fault."""
    drill.nobody_acted()


@then(phrases.RTO)
def _(drill: Drill) -> None:
    """From the fault to the first good request of a steady service, as the canary saw it. The whole interval counts."""
    drill.meets(ObjectiveKind.RTO)


@then(phrases.RPO)
def _(drill: Drill) -> None:
    """The age, at the fault, of the oldest acknowledged write that is gone. The whole interval counts."""
    drill.meets(ObjectiveKind.RPO)


@then(phrases.NO_LOSS)
def _(drill: Drill) -> None:
    """Every write that the service acknowledged, before or during the outage, is still there."""
    drill.meets(ObjectiveKind.RPO)
    drill.meets(ObjectiveKind.LOSS_DURING)


@then(phrases.LOSS_DURING)
def _(drill: Drill) -> None:
    """Accept that writes acknowledged after the fault are lost, for so long. Without this sentence none may be."""
    drill.meets(ObjectiveKind.LOSS_DURING)


@then(sentence("at least {share:Share} of all requests are answered well"))
def _(drill: Drill, share: float) -> None:
    """Over the whole drill, the outage included: acknowledged, in time, and showing what had been written."""
    drill.availability(share)


@then(phrases.CHECK)
def _(drill: Drill, check: str) -> None:
    """An integrity check of the service file: contents and counts."""
    drill.check(check)


@then(phrases.CONFIGURATION)
def _(drill: Drill, resource: str) -> None:
    """Nothing of the source's configuration was lost by the restore (tags, TTL, streams, backups, alarms …)."""
    drill.compare_configuration(resource)
