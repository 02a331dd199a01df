"""Chaos and disaster-recovery drills as code.

What a service's own code imports: ``drillbook.recovery`` (Plan, Step, Phase), ``drillbook.probe`` (Reading, Probe),
``drillbook.fault`` (Settings, Change, Fault), ``drillbook.world`` (World), ``drillbook.waiting`` (wait_for) and
``drillbook.errors``. This package imports nothing by itself, so that it costs nothing until a drill runs.
"""
