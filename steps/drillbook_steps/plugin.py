"""The pytest plugin: options, guards, reporting. It wires; the sentences stand in the modules listed below.

Every pytest run of an environment that has drillbook imports this module, so it imports nothing heavy and acts only
in a *drillbook root*: a directory with ``drills/<service>/service.yaml``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_bdd.parser import Step

    from drillbook_steps.session import DrillSession

pytest_plugins = [
    "drillbook_steps.fixtures",
    "drillbook_steps.given",
    "drillbook_steps.when",
    "drillbook_steps.then",
]

_SESSION: pytest.StashKey[DrillSession] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("drillbook", "disaster-recovery drills")
    option = group.addoption
    option("--drillbook-root", metavar="DIR", help="where drills/ and features/ stand (default: pytest's rootdir)")
    option("--drillbook-target", default="", metavar="NAME", help="embedded, localstack, aws or local")
    option("--drillbook-drill", action="append", default=[], metavar="NAME", help="only drills with this in their name")
    option("--drillbook-programme", default="", metavar="NAME", help="only the drills of this programme")
    option("--drillbook-sabotage", default="", metavar="NAME", help="sabotage the recovery: the drill must go red")
    option("--drillbook-reports", default="", metavar="DIR", help="where to write reports (default: reports)")
    option("--drillbook-json", default="", metavar="FILE", help="also write the results to FILE ('-': stdout)")
    option("--drillbook-rate", type=float, default=0.0, metavar="HZ", help="canary operations a second")
    option("--drillbook-plan", action="store_true", help="show what each drill would do, and touch nothing")
    option("--drillbook-go", action="store_true", help="really break things on the aws target")
    option("--drillbook-keep-cloud", action="store_true", help="leave the last drill's embedded cloud running")
    option("--drillbook-interactive", action="store_true", help="ask a person at the terminal about manual steps")
    option("--drillbook-quiet", action="store_true", help="no live progress")


def session_of(config: pytest.Config) -> DrillSession:
    """The drill session of this pytest run, made when first asked for."""
    from drillbook_steps.session import DrillSession

    if _SESSION not in config.stash:
        config.stash[_SESSION] = DrillSession(config)
    return config.stash[_SESSION]


def root_of(config: pytest.Config) -> Path:
    """The drillbook root of this run."""
    return Path(config.getoption("--drillbook-root") or config.rootpath).resolve()


def _concerns(config: pytest.Config) -> bool:
    return any(root_of(config).glob("drills/*/service.yaml"))


KINDS = {
    "validation": "a drill that walks through the checklist after a recovery",
    "review": "a drill whose evidence is looked through as after an incident",
    "readiness": "a drill that breaks nothing and looks whether a recovery could work",
    "failback": "a drill that brings traffic and data home",
    "weekly": "a drill of every week",
    "monthly": "a drill of every month",
    "quarterly": "a drill of every quarter",
    "annual": "a drill of every year",
}
"""Tags of features that have no value: marks, by which ``-m`` chooses."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.importmode == "prepend" and _concerns(config) and _has_twins(root_of(config) / "features"):
        config.option.importmode = "importlib"
    for kind, meaning in KINDS.items():
        config.addinivalue_line("markers", f"{kind}: {meaning}")
    if config.getoption("--alluredir", default=None) and _concerns(config):
        from drillbook_steps.allure_bridge import AllureBridge

        config.pluginmanager.register(AllureBridge(config), "drillbook-allure")
    if _runs_workers(config):
        from drillbook_steps.parallel import Workers

        config.pluginmanager.register(Workers(config), "drillbook-workers")
    if hasattr(config, "workerinput") and _concerns_drills_alone(config):
        from drillbook_steps.interrupts import interrupted_once

        interrupted_once()


def _has_twins(features: Path) -> bool:
    """Has each service's folder its own ``test_features.py``? Pytest's default takes them for one module."""
    files = [file.name for file in features.rglob("test_*.py") if not file.with_name("__init__.py").exists()]
    return len(files) > len(set(files))


def _runs_workers(config: pytest.Config) -> bool:
    """Is this the process that shares drills, and nothing but drills, out to pytest-xdist's workers?"""
    shares = getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput")
    return shares and _concerns_drills_alone(config)


def _concerns_drills_alone(config: pytest.Config) -> bool:
    features = root_of(config) / "features"
    asked = [(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args]
    return _concerns(config) and bool(asked) and all(path.is_relative_to(features) for path in asked)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Mistakes in features are told, with their place, before anything is imported or touched."""
    if not _concerns(session.config):
        return
    from drillbook.errors import UsageError
    from drillbook_steps.guards import lint

    try:
        lint(_features_asked_for(session.config), root_of(session.config))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _features_asked_for(config: pytest.Config) -> list[Path]:
    folders = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    features = root_of(config) / "features"
    return [
        path
        for folder in folders
        for path in (folder if folder.is_dir() else folder.parent).rglob("*.feature")
        if path.is_relative_to(features)
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--drillbook-drill")
    sabotage = config.getoption("--drillbook-sabotage")
    programme = config.getoption("--drillbook-programme")
    if not (wanted or sabotage or programme or config.getoption("--drillbook-plan")):
        return
    from drillbook_steps.selection import select

    items[:] = select(config, items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if not session.config.getoption("--drillbook-plan"):
        return None
    from drillbook_steps.planning import show_plans

    show_plans(session)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Under xdist, too, this tells which drill follows."""
    if _SESSION in item.config.stash:
        session_of(item.config).next = nextitem


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_apply_tag(tag: str) -> bool | None:
    """``@runbook:000`` and its like are labels for reports (see ``allure_bridge``), not marks."""
    return True if ":" in tag else None


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_before_step(step_func: Callable[..., object]) -> None:
    from drillbook_steps.guards import refuse_async

    refuse_async(step_func)


def pytest_bdd_step_error(request: pytest.FixtureRequest, step: Step, exception: Exception) -> None:
    _tell_drill(request, exception, step)


def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest, step: Step, exception: Exception) -> None:
    _tell_drill(request, exception, step)


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_after_scenario(request: pytest.FixtureRequest) -> None:
    """Runs in a ``finally``: an interrupt has no step_error hook of its own. First, since another hook may fail."""
    error = sys.exc_info()[1]
    if error is not None and not isinstance(error, Exception | pytest.skip.Exception):
        _tell_drill(request, error, None)


def _tell_drill(request: pytest.FixtureRequest, error: BaseException, step: Step | None) -> None:
    drill = request.node.stash.get(ACTIVE, None)
    if drill is not None:
        drill.failed(error, f"{step.keyword.strip()} {step.name}" if step else "")


ACTIVE: pytest.StashKey[Any] = pytest.StashKey()
"""The drill of the scenario that is running."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, Any]:
    """A missed objective or a refused drill is one sentence, not a traceback."""
    report = yield
    if call.excinfo is None or not _concerns(item.config):
        return report
    from drillbook.drill import NotMet, NotSimulated
    from drillbook.errors import DrillbookError

    error = call.excinfo.value
    if ACTIVE in item.stash and item.stash[ACTIVE].is_interrupted and not isinstance(error, KeyboardInterrupt):
        item.session.shouldstop = "interrupted"  # by a signal, whatever has failed on the way out
    if isinstance(error, NotSimulated):
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"NOT SIMULATED: {error}")
    elif isinstance(error, DrillbookError | NotMet):
        report.longrepr = str(error)
    is_finding = isinstance(error, AssertionError | NotSimulated | pytest.skip.Exception)
    if not is_finding and (ACTIVE in item.stash or isinstance(error, DrillbookError)):
        code = error.exit_code if isinstance(error, DrillbookError) else DrillbookError.exit_code
        session_of(item.config).broken.append((report.nodeid, code))
        vars(report)["drillbook_broken"] = code  # goes with the report to the process that runs the workers
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _SESSION in session.config.stash:
        session_of(session.config).finish(session)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _SESSION in config.stash:
        session_of(config).summarise(terminalreporter)
