"""Sentences of the habit tracker alone."""

from __future__ import annotations

from pytest_bdd import given

from drillbook import pythonic
from drillbook.drill import Drill


@given("the hourly backup has run and its copy has arrived")
def _(drill: Drill) -> None:
    """Take it now, so that the drill need not wait for the hour; what is written later is not in it."""
    pythonic.call(drill.world, "backups.py:back_up", {})
