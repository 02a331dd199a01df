"""The plain AWS CLI runs the commands of runbooks; what it answers is kept in tests/transcripts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .transcripts import commands_of, header_of, run

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
_REWRITE = os.environ.get("DRILLBOOK_TRANSCRIPTS") == "write"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", sorted(TRANSCRIPTS.glob("*.txt")), ids=lambda file: file.stem)
def test_the_commands_of_a_runbook(with_aws_cli: dict[str, str], tmp_path: Path, file: Path) -> None:
    expected = file.read_text()
    seen = header_of(expected) + run(commands_of(expected), with_aws_cli, tmp_path)
    if _REWRITE:
        file.write_text(seen)
    assert seen == expected


@pytest.mark.slow
def test_the_services_for_which_version_1_ignores_the_endpoint(with_aws_cli: dict[str, str]) -> None:
    said = aws("rds describe-db-instances --region us-east-1 --query length(DBInstances)", with_aws_cli)
    assert (said.returncode, said.stdout.strip().isdigit()) == (0, True), said.stderr


@pytest.mark.slow
def test_an_address_of_aws_on_the_command_line_is_refused_with_the_reason(with_aws_cli: dict[str, str]) -> None:
    said = aws(
        "sts get-caller-identity --endpoint-url https://sts.amazonaws.com", with_aws_cli | {"AWS_MAX_ATTEMPTS": "1"}
    )
    assert said.returncode != 0
    assert "Failed to connect to proxy" in said.stderr


def aws(words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["aws", *words.split()]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
