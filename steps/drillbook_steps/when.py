"""When: a fault strikes, a recovery plan is run, time passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import when

from drillbook_steps import phrases
from drillbook_steps.phrases import sentence

if TYPE_CHECKING:
    from drillbook.drill import Drill


@when(phrases.FAULT)
def _(drill: Drill, fault: str) -> None:
    """Inject a fault of the service file. Its restore is in the journal before it is injected."""
    drill.strike(fault)


@when(phrases.FAULT_WITH)
def _(drill: Drill, fault: str, datatable: list[list[str]]) -> None:
    """The same with other settings: a table of two columns, the setting and its value."""
    drill.strike(fault, settings={row[0]: row[1] for row in datatable})


@when(phrases.LIFTED)
def _(drill: Drill, fault: str) -> None:
    """The fault ends now, while the drill goes on: a lost region returns. It is undone from the journal."""
    drill.lift(fault)


@when(phrases.PLAN)
def _(drill: Drill, plan: str) -> None:
    """Run a recovery plan of the service file, step by step, each timed against its budget."""
    drill.recover(plan)


@when(phrases.CUT_OVER)
def _(drill: Drill, plan: str) -> None:
    """Run a plan as a planned disruption, such as the way home after a failover, measured apart from the fault."""
    drill.cut_over(plan)


@when(sentence("{pause:Duration} pass"))
def _(drill: Drill, pause: float) -> None:
    """Let time pass: the outage goes on, the canary goes on."""
    drill.wait(pause)
