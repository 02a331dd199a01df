"""Truth probes, against the embedded cloud and against moto as it is, which claims more than it does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import DynamoDBBackend

from drillbook.embedded import process
from drillbook.errors import UsageError
from drillbook.targets import truth
from drillbook.targets.truth_data import PROBES

CAPABILITIES = sorted(PROBES)


@dataclass
class Clients:
    endpoint: str | None
    speed: float = 100
    region: str = "eu-west-1"

    def client(self, name: str, region: str | None = None) -> Any:
        return boto3.client(
            name,
            region_name=region or self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    cloud = process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=200)
    yield Clients(cloud.endpoint, cloud.speed)
    process.stop(cloud)


def test_the_embedded_cloud_truly_keeps_data(embedded: Clients) -> None:
    found = truth.run(embedded, CAPABILITIES)
    assert {answer.capability: answer.ok for answer in found} == dict.fromkeys(CAPABILITIES, True), found
    assert all(answer.seconds < 10 for answer in found)


def test_probes_leave_nothing_behind(embedded: Clients) -> None:
    truth.run(embedded, CAPABILITIES)
    dynamodb = embedded.client("dynamodb")
    assert dynamodb.list_tables()["TableNames"] == []
    assert dynamodb.list_backups()["BackupSummaries"] == []
    assert embedded.client("s3").list_buckets()["Buckets"] == []


@mock_aws
def test_a_restore_that_copies_the_present_is_untrue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto and its kin copy the present whatever is asked; the window of this one moves, so only content tells."""
    moving = {"PointInTimeRecoveryStatus": "ENABLED", "LatestRestorableDateTime": 4_000_000_000.0}
    monkeypatch.setattr(
        DynamoDBBackend,
        "describe_continuous_backups",
        lambda *_: {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": moving},
    )
    [answer] = truth.run(Clients(None), ["dynamodb.pitr"])
    assert not answer.ok
    assert "holds {'kept': 'after'}, not {'kept': 'before', 'deleted': 'before'}" in answer.detail


@mock_aws
def test_a_call_that_the_target_does_not_know_is_untrue(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise JsonRESTError("UnknownOperationException", "not emulated")

    monkeypatch.setattr(DynamoDBBackend, "create_backup", unknown)
    [answer] = truth.run(Clients(None), ["dynamodb.backup"])
    assert not answer.ok
    assert "UnknownOperationException" in answer.detail


def test_an_unknown_capability_is_a_usage_error(embedded: Clients) -> None:
    with pytest.raises(UsageError, match=r"no truth probe for dynamodb\.magic"):
        truth.run(embedded, ["dynamodb.magic"])
