"""The AWS CLI and terraform as people have them, pointed at an embedded cloud as ``drillbook cloud up`` says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.shell.environment import away_from_aws, pointed_at
from drillbook.shell.proxy import Proxy

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "scripts" / "peers.py"


@pytest.fixture(scope="session")
def aws_cli() -> Path:
    """The folder of the locked AWS CLI; else of the one on PATH."""
    made = subprocess.run([sys.executable, PEERS, "awscli"], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        return Path(made.stdout.splitlines()[-1])
    if found := shutil.which("aws"):
        return Path(found).parent
    pytest.skip(f"no AWS CLI, and it cannot be installed: {made.stderr.strip()[-200:]}")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=100)
    yield running
    process.stop(running)


@pytest.fixture
def environment(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """For programs that come with the machine."""
    proxy = Proxy({})
    clean = away_from_aws(os.environ, proxy.url, direct=[])
    folder = tmp_path_factory.mktemp("bin")
    yield clean | pointed_at(cloud.endpoint, cloud.account, folder, clean) | {"AWS_DEFAULT_REGION": "us-east-1"}
    proxy.close()


@pytest.fixture
def with_aws_cli(
    environment: dict[str, str], aws_cli: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """And for the AWS CLI, with its wrapper in front."""
    path = os.pathsep.join([str(aws_cli), environment["PATH"]])
    folder = tmp_path_factory.mktemp("aws")
    return environment | pointed_at(environment["AWS_ENDPOINT_URL"], "111122223333", folder, {"PATH": path})
