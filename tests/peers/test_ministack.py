"""The same features on a MiniStack: what it truly does counts, what it only claims is not simulated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from drillbook.targets import truth

from .conftest import ROOT

pytestmark = pytest.mark.slow

TRUE = ["dynamodb.deletion_protection", "dynamodb.global_tables", "kms.disable", "lambda.versions", "s3.versioning"]
FALSE = ["backup.jobs", "cloudwatch.alarms", "dynamodb.pitr", "route53.dns", "route53.health_checks"]


class Clients:
    """A session on MiniStack's default account."""

    speed, region = 1.0, "us-east-1"

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, name: str, region: str | None = None) -> Any:
        return boto3.client(
            name,
            region_name=region or self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id="000000000000",
            aws_secret_access_key="test",
        )


@pytest.mark.parametrize(("capabilities", "ok"), [(TRUE, True), (FALSE, False)])
def test_what_ministack_truly_has(
    ministack: str, capabilities: list[str], ok: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillbook.targets.truth_serverless._ALARM", 20.0)
    found = truth.run(Clients(ministack), capabilities)

    assert {answer.capability: answer.ok for answer in found} == dict.fromkeys(capabilities, ok), found


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("name", "also_missing"), [("Function failure", ""), ("Table corruption", "dynamodb.pitr")])
def test_the_product_drills_say_what_is_not_simulated(
    ministack: str, tmp_path: Path, name: str, also_missing: str
) -> None:
    for part in ("drills", "features"):
        shutil.copytree(ROOT / part / "product-lambda", tmp_path / part / "product-lambda")
    told = tmp_path / "results.json"
    command = [sys.executable, "-m", "drillbook.cli", "run", "product-lambda", "--target", "localstack"]
    done = subprocess.run(
        [*command, "--drill", name, "--root", str(tmp_path), "--json", str(told)],
        env=os.environ | {"LOCALSTACK_ENDPOINT": ministack},
        capture_output=True,
        text=True,
        check=False,
    )

    (drill,) = json.loads(told.read_text())["drills"]
    assert drill["verdict"] == "NOT SIMULATED", done.stdout
    assert drill["basis"] == "measured-localstack"
    assert all(missing in json.dumps(drill["causes"]) for missing in ("cloudwatch.alarms", also_missing))
