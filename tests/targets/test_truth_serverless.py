"""Serverless truth probes, against the embedded cloud and against moto as it is, which claims more than it does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drillbook.embedded import process
from drillbook.targets import truth, truth_serverless
from drillbook.targets.truth_serverless import PROBES

CAPABILITIES = sorted(PROBES)


@dataclass
class Clients:
    endpoint: str
    speed: float = 100
    region: str = "eu-west-1"

    def client(self, name: str, region: str | None = None) -> Any:
        return boto3.client(
            name,
            region_name=region or self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    cloud = process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=100)
    yield Clients(cloud.endpoint)
    process.stop(cloud)


PLAIN_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def plain_moto() -> Iterator[Clients]:
    """In a process of its own, because it leaves sockets open when it looks for Docker."""
    command = [sys.executable, "-c", PLAIN_MOTO]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield Clients(f"http://127.0.0.1:{int(server.stdout.readline())}")
        server.kill()


def test_the_embedded_cloud_truly_runs_requests(embedded: Clients) -> None:
    found = truth.run(embedded, CAPABILITIES)

    assert {answer.capability: answer.ok for answer in found} == dict.fromkeys(CAPABILITIES, True), found
    assert all(answer.seconds < 15 for answer in found)


def test_probes_of_requests_leave_nothing_behind(embedded: Clients) -> None:
    truth.run(embedded, CAPABILITIES)

    assert embedded.client("lambda").list_functions()["Functions"] == []
    assert embedded.client("iam").list_roles()["Roles"] == []
    assert embedded.client("apigateway").get_rest_apis()["items"] == []
    assert embedded.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


@pytest.mark.slow
def test_a_cloud_that_only_keeps_records_of_functions_is_untrue(
    plain_moto: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truth_serverless, "_READY", 1.0)
    monkeypatch.setattr(truth_serverless, "_ALARM", -300.0)
    found = truth.run(plain_moto, CAPABILITIES)

    assert {answer.capability: answer.ok for answer in found} == dict.fromkeys(CAPABILITIES, False), found
    assert plain_moto.client("lambda").list_functions()["Functions"] == []
