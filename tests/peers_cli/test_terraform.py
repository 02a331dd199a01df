"""Terraform with its state in a versioned bucket of the embedded cloud: workspaces, the lock file, loss and recovery.

No provider is downloaded: the resources are terraform's own ``terraform_data``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drillbook.embedded.process import Cloud

BUCKET, KEY = "terraform-state", "env:/dr/app/terraform.tfstate"
MAIN = f"""
terraform {{
  backend "s3" {{
    bucket = "{BUCKET}"
    key = "app/terraform.tfstate"
    region = "us-east-1"
    use_lockfile = true
    use_path_style = true
    skip_credentials_validation = true
    skip_metadata_api_check = true
    skip_requesting_account_id = true
    skip_region_validation = true
  }}
}}

resource "terraform_data" "table" {{
  input = "products"
}}

output "table" {{
  value = terraform_data.table.output
}}
"""
Terraform = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def s3(cloud: Cloud) -> Any:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def terraform(environment: dict[str, str], tmp_path: Path) -> Terraform:
    if not shutil.which("terraform"):
        pytest.skip("no terraform on PATH: it comes from no package index")
    (tmp_path / "main.tf").write_text(MAIN)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *words, "-no-color"],
            cwd=tmp_path,
            env=environment | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def ok(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_state_in_a_versioned_bucket_is_lost_and_recovered_by_content(terraform: Terraform, s3: Any) -> None:
    ok(terraform("init"))
    ok(terraform("workspace", "new", "dr"))
    assert "1 added" in ok(terraform("apply", "-auto-approve"))
    assert "No changes" in ok(terraform("plan"))
    assert resources(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()) == 1

    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert "1 to add" in ok(terraform("plan"))

    # The plan after the loss may itself have written an empty state: the right version is known by what is in it.
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix=KEY)["Versions"]
    versions = [one for one in listed if one["Key"] == KEY]  # the lock's begin with the same words
    bodies = [s3.get_object(Bucket=BUCKET, Key=KEY, VersionId=one["VersionId"])["Body"].read() for one in versions]
    whole = max((body for body in bodies if body.startswith(b"{")), key=resources)
    assert resources(whole) == 1
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=whole)
    assert "No changes" in ok(terraform("plan"))


def test_a_state_that_is_locked_is_not_touched(terraform: Terraform, s3: Any) -> None:
    ok(terraform("init"))
    held = {"ID": "11111111-1111-1111-1111-111111111111", "Operation": "apply", "Who": "somebody"}
    s3.put_object(Bucket=BUCKET, Key="app/terraform.tfstate.tflock", Body=json.dumps(held))
    refused = terraform("plan")
    assert refused.returncode != 0
    assert "Error acquiring the state lock" in refused.stderr
    assert "somebody" in refused.stderr
    s3.delete_object(Bucket=BUCKET, Key="app/terraform.tfstate.tflock")
    ok(terraform("plan"))


def test_terraform_without_the_endpoint_does_not_reach_aws(terraform: Terraform, environment: dict[str, str]) -> None:
    del environment["AWS_ENDPOINT_URL"]
    refused = terraform("init", "-backend-config=max_retries=1")
    assert refused.returncode != 0
    assert "Refused by the egress rail" in " ".join(refused.stderr.replace("│", " ").split())


def resources(state: bytes) -> int:
    return len(json.loads(state)["resources"])
