"""Drills side by side (``drillbook run -n 2``, ``pytest features -n 2``), by pytest-xdist.

This is the process that runs the workers. It shares the drills out, so that those whose world is shared run one after
another; it lets an interrupted worker heal; and it writes one report from the evidence of all.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from drillbook import side_by_side
from drillbook.errors import WaitTimeout
from drillbook.waiting import wait_for
from drillbook_steps import durations
from drillbook_steps.interrupts import terminable, undisturbed
from drillbook_steps.plugin import root_of, session_of
from drillbook_steps.session import BROKEN, is_alone

_NOW_AND_NEXT = 2
"""A worker begins a test when it knows what follows."""
HEALING = 600.0
"""Seconds that interrupted workers are given to heal before they are ended; the journal knows what is open then."""


class Workers:
    """pytest hooks of the process that runs the workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.session = session_of(config)
        self.session.has_workers = True
        self._order: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The drills tell how they get on; how workers are started is of no interest."""
        plugins = self.config.pluginmanager
        if plugins.has_plugin("terminaldistreporter"):
            plugins.unregister(name="terminaldistreporter")

    def pytest_configure_node(self, node: Any) -> None:
        """Every worker's drills are of one run."""
        node.workerinput["drillbook_run"] = self.session.run

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        return Shares(config, log) if config.getoption("dist") == "load" else None

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._order = list(ids)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        with terminable():
            return (yield)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if code := getattr(report, "drillbook_broken", 0):
            self.session.broken.append((report.nodeid, code))

    def pytest_handlecrashitem(self, crashitem: str) -> None:
        self.session.broken.append((crashitem, BROKEN))

    def pytest_keyboard_interrupt(self) -> None:
        """An interrupt is for the drills: pass it on, and wait until they have healed."""
        root, say = root_of(self.config), self.session.progress.say
        with undisturbed(lambda: say("interrupted; the drills are healing first")), suppress(WaitTimeout):
            say("interrupted; waiting for the drills to heal")
            for process in side_by_side.workers(root):
                os.kill(process.pid, signal.SIGTERM)
            wait_for(
                "the healing of the interrupted drills",
                lambda: not side_by_side.workers(root),
                timeout=HEALING,
                clock=self.session.clock,
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Before the session writes its report, which is done last."""
        known = {nodeid: number for number, nodeid in enumerate(self._order)}
        self.session.broken.sort(key=lambda each: known.get(each[0], len(known)))


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """One share a drill that has its world to itself; all drills whose world is shared are one share.

    The longest is handed out first, and to a worker only what it does now and next, so that all end at about the same
    time.
    """

    def _assign_work_unit(self, node: Any) -> None:
        took = durations.read(session_of(self.config).base)
        self.workqueue.move_to_end(durations.longest_first(self.workqueue, took)[0], last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: Any) -> None:
        if self._pending_of(self.assigned_work[node]) < _NOW_AND_NEXT:
            super()._reschedule(node)

    def _split_scope(self, nodeid: str) -> str:
        service = Path(nodeid.partition("::")[0]).parent.name
        root, target = root_of(self.config), self.config.getoption("--drillbook-target")
        return nodeid if is_alone(root, service, target) else "shared"

    def remove_node(self, node: Any) -> str | None:
        """A drill that a worker died of is not run again: what it changed must be healed first."""
        died: str | None = super().remove_node(node)
        for share in self.workqueue.values():
            if died in share:
                share[died] = True
        return died
