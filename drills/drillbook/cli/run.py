"""``drillbook run`` and ``drillbook plan``: thin fronts of pytest, which finds, runs and reports the scenarios.

``pytest features/`` does the same job; this only says the same in the words of an operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from drillbook import service as services
from drillbook import side_by_side
from drillbook.cli import features
from drillbook.cli.root import find_root
from drillbook.errors import Refused, UsageError
from drillbook.programme import file as programmes

_OWN_WORDS = {
    pytest.ExitCode.OK: 0,
    pytest.ExitCode.TESTS_FAILED: 1,
    pytest.ExitCode.INTERRUPTED: 130,
    pytest.ExitCode.INTERNAL_ERROR: 4,
    pytest.ExitCode.USAGE_ERROR: 2,
    pytest.ExitCode.NO_TESTS_COLLECTED: 2,
}


@dataclass(frozen=True)
class Wish:
    """What is to be run, and how. None: as the service file or the repository says."""

    service: str | None = None
    drills: tuple[str, ...] = ()
    """Parts of the names of those that are wanted; all if there is none."""
    target: str | None = None
    sabotage: str | None = None
    json_file: Path | None = None
    reports: Path | None = None
    rate: float | None = None
    keep_cloud: bool = False
    go: bool = False
    plan_only: bool = False
    workers: int = 1
    interactive: bool = False
    programme: str | None = None


def run(given: Path | None, wish: Wish) -> int:
    """Run the drills wished for and return drillbook's exit code. Raises UsageError for an unknown service."""
    root = find_root(given)
    if wish.programme is not None:
        wish = replace(wish, target=wish.target or programmes.find(root, wish.programme).target)
    folders = _feature_folders(root, wish)
    if wish.json_file and not wish.json_file.absolute().parent.is_dir():
        raise UsageError(f"the folder of {wish.json_file} is not there", do="make it, or name another file for --json")
    if wish.workers > 1:
        _refuse_side_by_side(root, wish)
    outcome = _Outcome()
    code = pytest.main([*map(str, folders), *_options(root, wish)], plugins=[outcome])
    return outcome.in_own_words(int(code))


def _feature_folders(root: Path, wish: Wish) -> list[Path]:
    """Checked here already, so that a mistyped name costs no second and starts nothing."""
    if wish.programme is not None:
        return _programme_folders(root, wish.programme, wish)
    if wish.service is not None:
        service = services.find(root, wish.service)
        _require_target(service, wish.target)
        return [_bound(features.folder_of(root, service.name))]
    found = [service for service in map(services.load, services.discover(root)) if _may_run(service, wish)]
    folders = [folder for service in found if (folder := root / "features" / service.name).is_dir()]
    if not folders:
        where = f" and the target {wish.target!r}" if wish.target else ""
        raise UsageError(f"no service in {root} has features{where}", do="see: drillbook list")
    return [_bound(folder) for folder in folders]


def _programme_folders(root: Path, name: str, wish: Wish) -> list[Path]:
    names = dict.fromkeys(planned.service for planned in programmes.drills_of(root, name))
    if wish.service is not None and wish.service not in names:
        raise UsageError(f"the programme {name!r} has no drill of {wish.service}", do=f"it has: {', '.join(names)}")
    chosen = [services.find(root, wish.service)] if wish.service else [services.find(root, each) for each in names]
    for service in chosen:
        _require_target(service, wish.target)
    return [_bound(features.folder_of(root, service.name)) for service in chosen]


def _require_target(service: services.Service, target: str | None) -> None:
    if target and target not in service.targets:
        known = ", ".join(service.targets)
        raise UsageError(f"{service.name} has no target {target!r}", do=f"it has: {known}")


def _may_run(service: services.Service, wish: Wish) -> bool:
    return not wish.target or wish.target in service.targets


def _bound(folder: Path) -> Path:
    """Raises UsageError if pytest would see none of the folder's features."""
    if not any(folder.glob("test_*.py")):
        lines = 'from pytest_bdd import scenarios; scenarios(".")'
        raise UsageError(
            f"{folder} has no test_features.py, so pytest sees no drill in it", do=f"add one with: {lines}"
        )
    return folder


def _options(root: Path, wish: Wish) -> Iterator[str]:
    # Importing hypothesis costs a second at the end of every session, and drills have no cache to keep.
    yield from ("-p", "no:hypothesispytest", "-p", "no:cacheprovider", "--no-header", "-qq")
    yield from ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # this command has imported the plugin's library
    yield f"--rootdir={root}"
    if wish.workers > 1:
        yield from ("-n", str(wish.workers), "--dist=load")
    if find_spec("allure_pytest") and not wish.plan_only:
        yield from (f"--alluredir={wish.reports or root / 'reports'}/allure-results", "--clean-alluredir")
    yield f"--drillbook-root={root}"
    given = {
        "target": wish.target,
        "programme": wish.programme,
        "sabotage": wish.sabotage,
        "reports": wish.reports and wish.reports.absolute(),
        "json": wish.json_file and (wish.json_file if str(wish.json_file) == "-" else wish.json_file.absolute()),
        "rate": wish.rate,
    }
    yield from (f"--drillbook-{name}={value}" for name, value in given.items() if value is not None)
    yield from (f"--drillbook-drill={part}" for part in wish.drills)
    flags = {
        "go": wish.go,
        "plan": wish.plan_only,
        "keep-cloud": wish.keep_cloud,
        "interactive": wish.interactive,
    }
    yield from (f"--drillbook-{name}" for name, on in flags.items() if on)


def _refuse_side_by_side(root: Path, wish: Wish) -> None:
    """What a worker would find out, and could not tell as well."""
    if find_spec("xdist") is None:
        raise UsageError("drills side by side need pytest-xdist", do="install it: pip install 'drillbook[parallel]'")
    if wish.keep_cloud or wish.plan_only:
        raise UsageError("-n runs each worker's drills in a cloud that ends with it", do="leave out -n")
    if wish.interactive:
        raise UsageError("nobody can be asked by several workers at once", do="leave out -n or --interactive")
    if busy := side_by_side.workers(root):
        raise Refused("journal", f"process {busy[0].pid} runs drills side by side here", do="wait for it to end")


class _Outcome:
    """Tells drillbook's exit codes from pytest's: the plugin replaces pytest's as soon as a drill has a verdict."""

    before: int | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.before = int(session.exitstatus)

    def in_own_words(self, after: int) -> int:
        if self.before is not None and after != self.before:
            return after
        return _OWN_WORDS[pytest.ExitCode(after)]
