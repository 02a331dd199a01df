"""Requests to AWS Backup that no SDK would send."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from drillbook.embedded.process import Cloud


def ask(cloud: Cloud, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bool]:
    """Status, error code, and whether the cloud blames itself."""
    scope = "test/20260101/eu-west-1/backup/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    request = urllib.request.Request(cloud.endpoint + path, data=body, method=method, headers=headers)
    request.add_header("Content-Type", "application/json")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        code = answer.headers.get("x-amzn-errortype") or json.loads(answer.read() or b"{}").get("__type", "")
        return answer.status, code, "x-drillbook-cloud-fault" in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "/backup-jobs", b"{}", "MissingParameterValueException"),
        ("PUT", "/backup-jobs", b'{"BackupVaultName": "", "ResourceArn": "x"}', "MissingParameterValueException"),
        ("PUT", "/restore-jobs", b'{"RecoveryPointArn": "x"}', "MissingParameterValueException"),
        ("PUT", "/copy-jobs", b"", "MissingParameterValueException"),
        ("PUT", "/backup/plans/", b'{"BackupPlan": {}}', "MissingParameterValueException"),
        (
            "PUT",
            "/backup/plans/",
            b'{"BackupPlan": {"BackupPlanName": "p", "Rules": [{}]}}',
            "MissingParameterValueException",
        ),
        ("GET", "/backup-jobs/?maxResults=0", None, "InvalidParameterValueException"),
        ("GET", "/backup-jobs/?nextToken=x", None, "InvalidParameterValueException"),
        ("GET", "/backup-vaults/no-such-vault/recovery-points/", None, "ResourceNotFoundException"),
    ],
)
def test_it_is_refused_by_name(cloud: Cloud, method: str, path: str, body: bytes | None, code: str) -> None:
    assert ask(cloud, method, path, body) == (400, code, False)


def test_what_is_not_emulated_is_told_as_such(cloud: Cloud) -> None:
    assert ask(cloud, "GET", "/legal-holds/")[0::2] == (501, True)
