"""Wrong usage is one line and exit code 2; help is quick and has an example."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook.cli import main as command_line
from drillbook.errors import DrillBroken, LocatedError, Refused

COMMANDS = [
    "list",
    "plan",
    "run",
    "heal",
    "doctor",
    "verify",
    "init",
    "steps",
    "cloud up",
    "cloud down",
    "cloud status",
    "due",
    "programme list",
    "programme show",
    "programme export",
]
HEAVY = ("boto3", "botocore", "moto", "pydantic", "pytest", "rich", "yaml")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(call, command: str) -> None:
    said = call(*command.split(), "--help")
    assert said.code == 0
    assert f"drillbook {command}" in said.out.split("Example:")[1]


def test_help_tells_the_exit_codes(call) -> None:
    out = " ".join(call("--help").out.split())
    for part in ("0 all pass", "2 wrong usage or configuration", "3 refused by a rail", "4 the drill itself is broken"):
        assert part in out


def test_no_command_at_all_shows_help(call) -> None:
    assert "Usage: drillbook" in call().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runn"], "No such command 'runn'. Did you mean 'run'?"),
        (["run", "--tarqet", "x"], "No such option: --tarqet"),
        (["run", "--rate", "fast"], "'--rate'"),
        (["cloud"], "Missing command"),
        (["cloud", "up", "--speed", "0"], "'--speed'"),
        (["verify"], "Missing argument"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(call, words: list[str], told: str) -> None:
    said = call(*words)
    assert said.code == 2
    assert told in said.line


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LocatedError("a.yaml", 3, 7, "unknown key 'x'", do="drop it"), 2),
        (Refused("account", "it is production", do="use a sandbox"), 3),
        (DrillBroken("the canary died"), 4),
        (PermissionError(13, "Permission denied", "reports"), 4),
    ],
)
def test_each_error_ends_in_one_line_and_its_exit_code(
    call, root: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("drillbook.cli.listing.show", fail)
    said = call("list")
    assert said.code == code
    assert said.line.startswith("drillbook: ")


def test_an_interrupt_is_exit_code_130(call, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("drillbook.cli.listing.show", interrupt)
    assert call("list").code == 130


def test_debug_shows_the_traceback(call, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRILLBOOK_DEBUG", "")
    (root / "drills" / "notes" / "service.yaml").write_text("service: [")
    with pytest.raises(LocatedError):
        call("--debug", "list")


def test_a_reader_that_goes_away_gets_no_traceback(root: Path) -> None:
    script = "import sys; from drillbook.cli.main import main; sys.exit(main(['steps']))"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    process.wait(30)
    assert said == b""


def test_help_costs_less_than_a_third_of_a_second_and_loads_nothing_heavy() -> None:
    script = (
        "import sys; from drillbook.cli.main import main; main(['--help']);"
        f"print('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert out.splitlines()[-1].strip() == "loaded:"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def test_the_module_documents_every_exit_code_that_errors_have() -> None:
    assert command_line.__doc__ is not None
    for code in {error.exit_code for error in (LocatedError, Refused, DrillBroken)}:
        assert f"{code} " in command_line.__doc__
