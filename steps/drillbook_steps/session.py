"""All drills of one pytest run: their directory, their results, and what the run comes to."""

from __future__ import annotations

import json
import os
import secrets
import sys
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from drillbook import service as services
from drillbook import side_by_side, targets
from drillbook.clock import Clock, SystemClock
from drillbook.drill import Assignment, Conditions, Drill, NotMet
from drillbook.errors import DrillbookError
from drillbook.events import Json
from drillbook.journal import Journal
from drillbook.objective import Verdict
from drillbook.targets import embedded
from drillbook.targets.clouds import Clouds
from drillbook_steps.confirmation import confirmation
from drillbook_steps.durations import Durations
from drillbook_steps.interrupts import undisturbed
from drillbook_steps.outline import outline
from drillbook_steps.plugin import root_of
from drillbook_steps.progress import Progress
from drillbook_steps.selection import outline_of, template_of

PASSED, MISSED, BROKEN = 0, 1, 4
"""Exit codes, as ``drillbook --help`` documents them."""


class DrillSession:
    """Made when the first drill begins; one directory. A journal for the drills whose world is shared, and, in a worker
    of ``-n``, another for those whose embedded cloud is the worker's own."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.root = config, root_of(config)
        self.clock = SystemClock()
        given = getattr(config, "workerinput", {})
        self.worker: str = given.get("workerid", "")
        self.run: str = given.get("drillbook_run") or _new_run(self.clock)
        self.base = Path(config.getoption("--drillbook-reports") or self.root / "reports").resolve()
        self.directory = self.base / self.run
        self.results: list[dict[str, Json]] = []
        self.broken: list[tuple[str, int]] = []
        """What broke drills, as opposed to what drills found: the test's id, and the exit code."""
        self.has_workers = False
        self.next: pytest.Item | None = None
        """The test that follows the one that runs."""
        self._open = ExitStack()
        self._journals: dict[Path, Journal] = {}
        self._clouds: dict[Path, Clouds] = {}
        terminal = _terminal(config)
        self.progress = Progress(terminal, clock=self.clock, is_tty=False if self.worker else None, speaker=self.worker)
        asks = config.getoption("--drillbook-interactive")
        self.confirm = confirmation(None if self.worker else terminal, self.progress.say) if asks else None
        if not self.worker:
            config.pluginmanager.register(Durations(self.base), "drillbook-durations")
        if self.worker:
            self._open.enter_context(side_by_side.at_work(side_by_side.state_of(self.root, self.worker)))

    def journal_for(self, service: str) -> Journal:
        """The journal of the service's drills, opened when it is first needed."""
        path = self._state_of(service) / "journal.sqlite3"
        if path not in self._journals:
            self._journals[path] = self._open.enter_context(Journal(path))
        return self._journals[path]

    def _state_of(self, service: str) -> Path:
        return side_by_side.state_of(self.root, self._cloud_of(service))

    def _clouds_in(self, state: Path) -> Clouds:
        """Where the drills of a state directory get their clouds from; they end before its journal is closed."""
        if state not in self._clouds:
            self._clouds[state] = clouds = Clouds(state, keep=self.config.getoption("--drillbook-keep-cloud"))
            self._open.callback(clouds.close)
        return self._clouds[state]

    def _cloud_of(self, service: str) -> str:
        """The worker's name, if it is to drill the service in an embedded cloud of its own; else empty."""
        alone = self.worker and is_alone(self.root, service, self.config.getoption("--drillbook-target"))
        return self.worker if alone else ""

    def begin(self, request: pytest.FixtureRequest) -> Drill:
        """The drill of the scenario that ``request`` belongs to."""
        number = request.session.items.index(request.node)
        drill = Drill(self._assignment(request), self._conditions(request), f"{self.run}-{number}")
        self.progress.watch(drill.events, lambda: drill.instrument.state if drill.instrument else None)
        return drill

    def end(self, request: pytest.FixtureRequest, drill: Drill) -> None:
        """Heal, judge and record. An interrupt that comes meanwhile waits: healing is what it asks for.

        One that follows another has no more to ask: raised while pytest already ends, it would cost the results.
        """
        with undisturbed(lambda: self.progress.say("interrupted; healing first")) as signals:
            self._look_ahead()
            result = drill.close()
            self._take(result, request, drill)
        if signals and not isinstance(drill.log.error, KeyboardInterrupt):
            raise KeyboardInterrupt
        if drill.log.error is None and result["verdict"] != Verdict.PASS:
            raise NotMet(f"{result['verdict']}: {'; '.join(result['causes'])}")

    def _look_ahead(self) -> None:
        """Have the next drill's cloud started while this one ends: nothing is measured any more."""
        following = outline_of(self.next).service if self.next and template_of(self.next) else ""
        if following and is_alone(self.root, following, self.config.getoption("--drillbook-target")):
            state = self._state_of(following)
            self._clouds_in(state).expect(embedded.wanted_by(services.find(self.root, following), state, self.clock))

    def _take(self, result: dict[str, Json], request: pytest.FixtureRequest, drill: Drill) -> None:
        self.progress.done()
        self.results.append(result)
        if bridge := self.config.pluginmanager.get_plugin("drillbook-allure"):
            bridge.attach_result(result, drill.evidence.directory)
        request.node.user_properties.extend((key, str(result[key])) for key in ("verdict", "target"))

    def finish(self, session: pytest.Session) -> None:
        """Write what belongs to the whole run, and set the exit status."""
        self._open.close()
        if self.has_workers:
            self._gather()
        if not self.worker:
            self._conclude(session)

    def _gather(self) -> None:
        """The results of drills that workers have run stand in their evidence."""
        from drillbook.report.gathered import gather

        self.results = gather(self.directory)
        if bridge := self.config.pluginmanager.get_plugin("drillbook-allure"):
            bridge.note(self.results)

    def _conclude(self, session: pytest.Session) -> None:
        if self.results:
            with undisturbed(lambda: None):
                self._write()
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and (code := self.exit_code()):
            session.exitstatus = code

    def exit_code(self) -> int:
        """What the drills come to: the code of the first error, else 1 if a verdict is not PASS, else 0."""
        for _, code in self.broken:
            return code
        if any(result["leftovers"] for result in self.results):
            return BROKEN
        return PASSED if all(result["verdict"] == Verdict.PASS for result in self.results) else MISSED

    def summarise(self, reporter: Any) -> None:
        from drillbook.report import summary

        if self.results:
            reporter.ensure_newline()
            reporter.write_line(summary.terminal(self.results, str(self._shown(self.directory / "index.html"))))

    def _shown(self, path: Path) -> Path:
        here = Path.cwd()
        return path.relative_to(here) if path.is_relative_to(here) else path

    def _assignment(self, request: pytest.FixtureRequest) -> Assignment:
        template = scenario_wrapper_template_registry[request.function]
        example = (
            request.node.callspec.params.get("_pytest_bdd_example", {}) if hasattr(request.node, "callspec") else {}
        )
        scenario = template.render(example)
        feature = Path(scenario.feature.filename)
        source = str(feature.relative_to(self.root) if feature.is_relative_to(self.root) else feature.name)
        about = outline(scenario, source)
        values = ", ".join(str(value) for value in example.values())
        name = f"{scenario.name} ({values})" if values and scenario.name == template.name else scenario.name
        return Assignment(
            name,
            source,
            service=about.service,
            objectives=about.objectives,
            faults=about.faults,
            plans=about.plans,
            checks=about.checks,
            configurations=about.configurations,
        )

    def _conditions(self, request: pytest.FixtureRequest) -> Conditions:
        option = self.config.getoption
        service = outline_of(request.node).service
        return Conditions(
            root=self.root,
            reports=self.directory,
            journal=self.journal_for(service),
            target=option("--drillbook-target"),
            sabotage=option("--drillbook-sabotage"),
            rate=option("--drillbook-rate"),
            programme=option("--drillbook-programme"),
            go=option("--drillbook-go"),
            confirm=self.confirm,
            clock=self.clock,
            clouds=self._clouds_in(self._state_of(service)),
        )

    def _write(self) -> None:
        from drillbook.report import index, junit, results, summary, trend

        results.write(self.directory / "results.json", self.results)
        junit.write(self.directory / "junit.xml", self.results)
        index.write(self.directory, self.results)
        trend.append(self.base / "trend.jsonl", self.results)
        if wanted := self.config.getoption("--drillbook-json"):
            self._write_json(wanted)
        summary.append_github_summary(os.environ, self.results, str(self._shown(self.directory / "index.html")))
        _point(self.base / "latest", self.run)

    def _write_json(self, wanted: str) -> None:
        text = json.dumps({"drills": self.results}, indent=2) + "\n"
        if wanted == "-":
            sys.stdout.write(text)
        else:
            (self.config.invocation_params.dir / wanted).write_text(text)


def is_alone(root: Path, service: str, asked: str) -> bool:
    """Does a drill of ``service`` have its world to itself? On the embedded target a worker has a cloud of its own."""
    try:
        return targets.choose(services.find(root, service), asked) == "embedded"
    except DrillbookError:  # told by the drill itself
        return False


def _new_run(clock: Clock) -> str:
    return f"{clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _terminal(config: pytest.Config) -> TextIO | None:
    """The real standard error, past pytest's capture; None when no progress is wanted."""
    if config.getoption("--drillbook-quiet"):
        return None
    capture = config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        return os.fdopen(os.dup(2), "w", buffering=1)


def _point(link: Path, run: str) -> None:
    """``reports/latest`` leads to the newest run, where the file system has links."""
    with suppress(OSError):
        link.unlink(missing_ok=True)
        link.symlink_to(run, target_is_directory=True)
