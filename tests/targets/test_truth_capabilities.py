"""Truth probes of operations, copies and databases, against the embedded cloud and against moto as it is."""

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

from drillbook import catalogue
from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.targets import truth, truth_databases, truth_operations, truth_probing, truth_replicas
from drillbook.waiting import wait_for

QUICK = sorted(truth_operations.PROBES | truth_replicas.PROBES)
DATABASES = sorted(truth_databases.PROBES)
HONEST = ["dynamodb.deletion_protection"]
"""What plain moto does as AWS does."""


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
    cloud = process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=200)
    yield Clients(cloud.endpoint, cloud.speed)
    process.stop(cloud)


PLAIN_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def plain_moto() -> Iterator[Clients]:
    command = [sys.executable, "-c", PLAIN_MOTO]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield Clients(f"http://127.0.0.1:{int(server.stdout.readline())}")
        server.kill()


def test_every_capability_that_a_service_may_need_has_a_probe() -> None:
    assert list(catalogue.CAPABILITIES) == sorted(truth.probes())


def test_the_embedded_cloud_truly_has_what_operators_rely_on(embedded: Clients) -> None:
    found = truth.run(embedded, QUICK)

    assert {answer.capability: answer.ok for answer in found} == dict.fromkeys(QUICK, True), found


def test_these_probes_leave_nothing_behind(embedded: Clients) -> None:
    truth.run(embedded, QUICK)

    assert embedded.client("dynamodb").list_tables()["TableNames"] == []
    assert embedded.client("dynamodb", "us-west-2").list_tables()["TableNames"] == []
    assert embedded.client("s3").list_buckets()["Buckets"] == []
    assert embedded.client("backup").list_backup_vaults()["BackupVaultList"] == []
    assert embedded.client("secretsmanager").list_secrets()["SecretList"] == []
    assert embedded.client("route53").list_hosted_zones()["HostedZones"] == []
    assert embedded.client("route53").list_health_checks()["HealthChecks"] == []


@pytest.mark.slow
def test_the_embedded_cloud_truly_has_databases(embedded: Clients) -> None:
    found = truth.run(embedded, DATABASES)

    assert {answer.capability: answer.ok for answer in found} == dict.fromkeys(DATABASES, True), found
    rds = embedded.client("rds")
    left = lambda: rds.describe_db_instances()["DBInstances"] + rds.describe_db_clusters()["DBClusters"]  # noqa: E731
    wait_for("the databases' deletion", lambda: not left(), timeout=30, clock=SystemClock())


@pytest.mark.slow
def test_a_cloud_that_only_keeps_records_is_untrue(plain_moto: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth_probing, "PATIENCE", 1.0)
    monkeypatch.setattr(truth_operations, "_TRAIL", 0.0)
    found = truth.run(plain_moto, QUICK)

    assert [answer.capability for answer in found if answer.ok] == HONEST


@pytest.mark.slow
def test_a_cloud_without_databases_is_untrue(plain_moto: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth_databases, "_LAG", -1000.0)
    found = truth.run(plain_moto, DATABASES)

    assert [answer.capability for answer in found if answer.ok] == []
