"""``drillbook cloud``: the embedded cloud by hand, for a shell and for other tools."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drillbook.cli import cloud_status
from drillbook.cli.main import main
from drillbook.embedded import process
from drillbook.embedded.census import family

from .conftest import SERVICE, Said

Call = Callable[..., Said]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a cloud that runs for all tests of this file."""
    root = tmp_path_factory.mktemp("repository")
    (root / "drills" / "notes").mkdir(parents=True)
    (root / "drills" / "notes" / "service.yaml").write_text(SERVICE)
    return root


@pytest.fixture(scope="module")
def _up(home: Path) -> Iterator[None]:
    assert main(["cloud", "up", "--root", str(home)]) == 0
    yield
    assert main(["cloud", "down", "--root", str(home)]) == 0


@pytest.fixture
def ask(call: Call, home: Path, _up: None) -> Call:
    return lambda *words: call("cloud", *words, "--root", str(home))


def test_what_a_shell_exports_makes_the_aws_tools_use_the_cloud_and_no_account(ask: Call) -> None:
    theirs = {**os.environ, "AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "mine", "AWS_DEFAULT_REGION": "eu-west-1"}
    script = f"{ask('up').out}\nenv -0"
    ran = subprocess.run(["sh", "-euc", script], env=theirs, capture_output=True, text=True, check=True)
    environment = dict(line.partition("=")[::2] for line in ran.stdout.split("\0") if line)
    assert environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "mine" not in environment.values()
    assert environment["AWS_CONFIG_FILE"] == os.devnull


def test_the_exports_as_json_name_what_to_unset_too(ask: Call) -> None:
    told = json.loads(ask("up", "--json").out)
    assert told["environment"]["AWS_ENDPOINT_URL"] == told["endpoint"]
    assert "AWS_PROFILE" in told["unset"]
    assert told["speed"] == 100


def test_a_second_up_with_another_speed_is_refused(ask: Call) -> None:
    said = ask("up", "--speed", "10")
    assert said.code == 2
    assert "runs already" in said.line


def test_the_status_shows_planes_processes_and_memory(ask: Call) -> None:
    told = json.loads(ask("status", "--json").out)
    assert told["running"]
    assert {"dynamodb", "functions", "front_door", "alarms"} <= set(told["planes"])
    assert told["pid"] in [member["pid"] for member in told["processes"]]
    assert 20e6 < told["memory"] < 2e9
    assert told["failures"]["regions"] == []
    assert "id" not in told, "who knows the id may stop the cloud"


def test_the_status_is_for_people_by_default(ask: Call) -> None:
    shown = ask("status").out
    assert "nothing is broken" in shown
    assert "AWS durations are divided by 100" in shown
    assert "dynamodb" in shown
    assert " MB" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("region us-east-1", "region us-east-1 is dark"),
        ("zone us-east-1a", "zone us-east-1a is dark"),
        ("link us-east-1 eu-west-1", "eu-west-1 and us-east-1 do not reach one another"),
        ("service us-east-1 dynamodb --kind throttled", "dynamodb in us-east-1 is throttled"),
    ],
)
def test_what_is_broken_by_hand_is_shown_until_it_is_mended(ask: Call, words: str, told: str) -> None:
    assert "mend it with" in ask("break", *shlex.split(words)).out
    assert f"broken: {told}" in ask("status").out
    assert ask("mend").out == "nothing is broken\n"
    assert "nothing is broken" in ask("status").out


def test_breaking_adds_to_what_is_broken(ask: Call) -> None:
    ask("break", "region", "us-east-1")
    ask("break", "region", "us-west-2")
    assert "region us-east-1 is dark; region us-west-2 is dark" in ask("status").out
    ask("mend")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("region us-est-2", "there is no region 'us-est-2' — did you mean"),
        ("zone nowhere", "there is no region 'nowher'"),
        ("link us-east-1 us-east-1", "a region always reaches itself"),
        ("service us-east-1 dynamodb --kind strange", "'strange' is not"),
    ],
)
def test_what_cannot_be_broken_is_refused_in_one_line(ask: Call, words: str, told: str) -> None:
    said = ask("break", *shlex.split(words))
    assert said.code == 2
    assert told in said.line


def test_a_world_is_saved_and_loaded(ask: Call, call: Call, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "prepared.world"
    assert "prepared.world" in ask("save", str(file)).out
    refused = ask("load", str(file))
    assert refused.code == 2
    assert "a cloud runs already" in refused.line
    (tmp_path / "drills" / "notes").mkdir(parents=True)
    (tmp_path / "drills" / "notes" / "service.yaml").write_text(SERVICE)
    loaded = call("cloud", "load", str(file), "--json", "--root", str(tmp_path))
    assert loaded.code == 0, loaded.err
    assert json.loads(loaded.out)["speed"] == 100
    assert call("cloud", "down", "--root", str(tmp_path)).code == 0


def test_a_world_that_cannot_be_loaded_leaves_no_cloud(call: Call, root: Path, tmp_path: Path) -> None:
    said = call("cloud", "load", str(tmp_path / "none.world"))
    assert said.code == 2
    assert "there is no world none.world" in said.line
    assert process.find(root / ".drillbook") is None


@pytest.mark.parametrize("words", ["save x.world", "mend", "break region us-east-1"])
def test_without_a_cloud_there_is_nothing_to_do(call: Call, root: Path, words: str) -> None:
    said = call("cloud", *shlex.split(words))
    assert said.code == 2
    assert "no embedded cloud is running" in said.line
    assert "drillbook cloud up" in said.line


def test_the_aws_command_finds_the_endpoint_and_the_real_one_behind_it(ask: Call, tmp_path: Path) -> None:
    """Version 1 of the AWS CLI does not heed AWS_ENDPOINT_URL for rds, sqs and emr."""
    real = tmp_path / "real" / "aws"
    real.parent.mkdir()
    real.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    real.chmod(0o700)
    told = json.loads(ask("up", "--json").out)
    wrapper = told["environment"]["PATH"].split(os.pathsep)[0]
    if not Path(wrapper, "aws").exists():  # no AWS CLI here: as if there were one
        from drillbook.shell.aws_cli import wrapper as make

        wrapper = str(make(tmp_path))
    path = os.pathsep.join([wrapper, str(real.parent), "/usr/bin", "/bin"])
    environment = {"PATH": path, "AWS_ENDPOINT_URL": told["endpoint"]}
    ran = subprocess.run(["aws", "rds", "a b"], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == f"--endpoint-url|{told['endpoint']}|rds|a b|"
    del environment["AWS_ENDPOINT_URL"]
    ran = subprocess.run(["aws", "rds"], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "rds|"


def test_a_family_is_a_process_and_its_descendants() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True) as shell:
        try:
            members = {member.pid: member for member in family(shell.pid)}
            assert members[shell.pid].parent == os.getpid()
            assert os.getpid() not in members
            assert all(member.memory >= 0 for member in members.values())
        finally:
            os.killpg(shell.pid, 9)
    assert family(shell.pid) == []


def test_counts_stand_for_lists_in_the_status() -> None:
    assert cloud_status._short({"pids": [1, 2], "tables": 3}) == "pids 2, tables 3"
