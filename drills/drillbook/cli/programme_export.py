"""``drillbook programme export``: the calendar for GitHub Actions and for cron, from ``drills/programmes.yaml``.

GitHub: docs.github.com, "Workflow syntax for GitHub Actions"; schedules are UTC, in POSIX cron syntax, at least five
minutes apart. Actions are named by commit, so that what runs is what was looked at.
"""

from __future__ import annotations

import shlex
import zlib
from pathlib import Path
from typing import Any

import typer
import yaml

from drillbook.cli.root import find_root
from drillbook.errors import UsageError
from drillbook.events import Json
from drillbook.programme import file
from drillbook.programme.cron import Cron
from drillbook.programme.model import Programme
from drillbook.units import duration_text

CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"  # v4.2.2
SETUP_PYTHON = "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065"  # v5.6.0
UPLOAD = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02"  # v4.6.2
VERSIONS = {CHECKOUT: "v4.2.2", SETUP_PYTHON: "v5.6.0", UPLOAD: "v4.6.2"}

CALENDAR, PULL_REQUEST = "drills-calendar.yml", "drills-pull-request.yml"
REGRESSION = "ci"
"""The programme that a pull request must pass."""
LONGEST = 120
"""Minutes after which GitHub ends a job."""
_EVERY = {3600.0: "{minute} * * * *", 86400.0: "{minute} {hour} * * *", 604800.0: "{minute} {hour} * * 1"}
_HEAD = "# Written by `drillbook programme export`, from drills/programmes.yaml: change that, and export again.\n"


def export(given: Path | None, format_: str, into: Path | None) -> None:
    """Print the files, or write them into a folder. Raises LocatedError for a mistake in the programmes."""
    root = find_root(given)
    known = {name: programme for name, programme in file.load(root).items() if programme.drills}
    for name, programme in known.items():
        file.drills_of(root, name)
        _refuse_account(name, programme)
    files = _github(root, known) if format_ == "github" else {"drills.crontab": crontab(root, known)}
    for name, text in files.items():
        if into is None:
            typer.echo(f"# --- {name}\n{text}" if len(files) > 1 else text, nl=False)
        else:
            into.mkdir(parents=True, exist_ok=True)
            (into / name).write_text(text, encoding="utf-8")
            typer.echo(f"wrote {into / name}")


def _refuse_account(name: str, programme: Programme) -> None:
    if programme.target == "aws":
        raise UsageError(
            f"the programme {name!r} is for an AWS account, where nothing is broken by the clock alone",
            do=f"run it by hand: drillbook run --programme {name} --go",
        )


def cron_of(name: str, programme: Programme) -> str:
    """The programme's cadence as cron has it; a minute and an hour of its own, where it names none."""
    if programme.calendar:
        return _posix(Cron.parse(programme.calendar))
    every = programme.every or 0.0
    if every not in _EVERY:
        raise UsageError(
            f"cron cannot tell {duration_text(every)} of the programme {name!r}", do="give it a calendar instead"
        )
    chance = zlib.crc32(name.encode())
    return _EVERY[every].format(minute=chance % 60, hour=chance // 60 % 6)


def _posix(cron: Cron) -> str:
    """POSIX knows no Sunday called 7; GitHub neither."""
    *others, weekdays = cron.text.split()
    if "7" in weekdays and not weekdays.startswith("*"):
        weekdays = ",".join(map(str, sorted(cron.weekdays)))
    return " ".join([*others, weekdays])


def crontab(root: Path, known: dict[str, Programme]) -> str:
    """One line a programme; they wait for one another, for drills need a machine to themselves."""
    lines = [_HEAD.rstrip(), "# The times are UTC: set the machine's clock so, or shift them."]
    drillbook = "./drillbook" if _is_checkout(root) else "drillbook"
    place = shlex.quote(str(root)).replace("%", r"\%")
    for name, programme in known.items():
        about = " ".join(f"{name}: {programme.title or 'no title'} ({programme.owner or 'no owner'})".split())
        alone = f"flock -w {LONGEST * 60} .drillbook/calendar.lock {drillbook} run --programme {name}"
        work = f"cd {place} && mkdir -p .drillbook && {alone} >> .drillbook/{name}.log 2>&1"
        lines += [f"# {about}", f"{cron_of(name, programme)} {work}"]
    return "\n".join(lines) + "\n"


def _github(root: Path, known: dict[str, Programme]) -> dict[str, str]:
    if REGRESSION not in known:
        raise UsageError(
            f"there is no programme {REGRESSION!r}, which pull requests are to pass",
            do="add it to drills/programmes.yaml",
        )
    return {CALENDAR: _document(calendar(root, known)), PULL_REQUEST: _document(pull_request(root))}


def calendar(root: Path, known: dict[str, Programme]) -> dict[str, Any]:
    """The workflow that runs each programme when its time comes, or when somebody asks for it."""
    crons = {name: cron_of(name, programme) for name, programme in known.items()}
    asked = {"description": "Programme", "type": "choice", "options": list(known), "required": True}
    return {
        "name": "drills by the calendar",
        "on": {
            "schedule": [{"cron": cron} for cron in dict.fromkeys(crons.values())],
            "workflow_dispatch": {"inputs": {"programme": asked}},
        },
        "permissions": {"contents": "read"},
        "jobs": {
            name: {
                "name": name,
                "if": f"github.event.schedule == '{crons[name]}' || inputs.programme == '{name}'",
                **_job(root, name),
            }
            for name, programme in known.items()
        },
    }


def pull_request(root: Path) -> dict[str, Any]:
    """The workflow that drills again what a pull request may have broken."""
    return {
        "name": "drills of recovery code",
        "on": {"pull_request": {"paths": recovery_code(root)}},
        "permissions": {"contents": "read"},
        "concurrency": {"group": "drills-${{ github.ref }}", "cancel-in-progress": True},
        "jobs": {REGRESSION: _job(root, REGRESSION)},
    }


def recovery_code(root: Path) -> list[str]:
    """What a recovery is made of: services, programmes, drills, and drillbook itself, here or by its lock."""
    library = ["constraints.txt", "pyproject.toml"] if _is_checkout(root) else ["requirements.txt", "pyproject.toml"]
    return ["drills/**", "features/**", "steps/**", *library]


def _job(root: Path, name: str) -> dict[str, Json]:
    """drillbook itself writes the job's summary, where GitHub says that there is one."""
    drillbook = "./drillbook" if _is_checkout(root) else "drillbook"
    install = [] if _is_checkout(root) else [{"run": "pip install -r requirements.txt"}]
    return {
        "runs-on": "ubuntu-latest",
        "timeout-minutes": LONGEST,
        "steps": [
            {"uses": CHECKOUT, "with": {"persist-credentials": False}},
            {"uses": SETUP_PYTHON, "with": {"python-version": "3.12"}},
            *install,
            {"name": "Drill", "run": f"{drillbook} run --programme {name} --json results.json"},
            {"name": "Heal what is left", "if": "always()", "run": f"{drillbook} heal"},
            {
                "name": "Keep the evidence",
                "if": "always()",
                "uses": UPLOAD,
                "with": {"name": f"drills-{name}", "path": "reports", "if-no-files-found": "error"},
            },
        ],
    }


def _is_checkout(root: Path) -> bool:
    """drillbook's own repository has a script that makes its environment."""
    return (root / "drillbook").is_file()


def _document(workflow: dict[str, Any]) -> str:
    text = yaml.safe_dump(workflow, sort_keys=False, allow_unicode=True, width=120)
    for action, version in VERSIONS.items():
        text = text.replace(action, f"{action} # {version}")
    return _HEAD + text.replace("'on':", "on:", 1)
