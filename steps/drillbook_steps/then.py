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
    """Every write that the service acknowledged, before, during or after the outage, is still there."""
    drill.meets(ObjectiveKind.LOST)


@then(phrases.LOSS_DURING)
def _(drill: Drill) -> None:
    """Accept that writes acknowledged after the fault are lost, for so long. Without this sentence none may be."""
    drill.meets(ObjectiveKind.LOSS_DURING)


@then(phrases.INTERRUPTION)
def _(drill: Drill) -> None:
    """How long clients were kept from the service since the cut-over began, in all. The whole interval counts."""
    drill.meets(ObjectiveKind.INTERRUPTION)


@then(phrases.NONE_BETWEEN)
def _(drill: Drill) -> None:
    """What was acknowledged after the service had failed over is still there in the end: nothing was left behind."""
    drill.meets(ObjectiveKind.LOST_BETWEEN)


@then(phrases.LOST_BETWEEN)
def _(drill: Drill) -> None:
    """The same, but so many may be lost."""
    drill.meets(ObjectiveKind.LOST_BETWEEN)


@then(phrases.LATENCY)
def _(drill: Drill) -> None:
    """Of all requests since the service was back; one without an answer counts as endless. Without a fault: of all."""
    drill.meets(ObjectiveKind.LATENCY)


@then(phrases.PLAN_TOOK)
def _(drill: Drill, plan: str, limit: float) -> None:
    """From the plan's first step to its last. For drills without a fault; a recovery is judged by its RTO."""
    drill.plan_took(plan, limit)


@then(phrases.AVAILABILITY)
def _(drill: Drill, share: float) -> None:
    """Since the service was first steady, an outage included: acknowledged, in time, showing what had been written."""
    drill.availability(share)


@then(phrases.CHECK)
def _(drill: Drill, check: str) -> None:
    """An integrity check of the service file: contents and counts."""
    drill.check(check)


@then(phrases.CONFIGURATION)
def _(drill: Drill, resource: str) -> None:
    """Nothing of the source's configuration was lost by the restore (tags, TTL, streams, backups, alarms …)."""
    drill.compare_configuration(resource)
