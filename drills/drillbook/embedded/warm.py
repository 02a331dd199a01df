"""First calls, made before anybody waits for them.

Moto loads a service's API model and its routes at the first call, which takes up to seconds for the big ones and would
be counted as the drilled service's own slowness.
"""

from __future__ import annotations

import logging
import threading

from werkzeug.test import Client

from drillbook.embedded.gate import Gate
from drillbook.embedded.serving import Application

_FIRST_CALLS = (
    ("dynamodb", "POST", "/", "DynamoDB_20120810.ListTables"),
    ("dynamodb", "POST", "/", "DynamoDBStreams_20120810.ListStreams"),
    ("lambda", "GET", "/2015-03-31/functions/", ""),
    ("apigateway", "GET", "/restapis", ""),
    ("s3", "GET", "/", ""),
    ("ssm", "POST", "/", "AmazonSSM.DescribeParameters"),
    ("secretsmanager", "POST", "/", "secretsmanager.ListSecrets"),
    ("kms", "POST", "/", "TrentService.ListKeys"),
    ("backup", "GET", "/backup-vaults/", ""),
    ("monitoring", "POST", "/", "GraniteServiceVersion20100801.DescribeAlarms"),
)
_log = logging.getLogger(__name__)


def warm_up(api: Application, gate: Gate, stopping: threading.Event) -> None:
    """Call every service once that a drill is likely to use. Reads only, in a region where nothing is.

    Nothing is called while ``gate`` is shut: whoever saves or loads a world waits for that alone."""
    try:
        _call_all(Client(api), gate, stopping)
    except Exception:  # noqa: BLE001 - a thread's last frame
        if not stopping.is_set():  # What is being taken apart may fail in any way.
            _log.exception("the warm-up failed")


def _call_all(client: Client, gate: Gate, stopping: threading.Event) -> None:
    for service, method, path, target in _FIRST_CALLS:
        gate.wait()
        if stopping.is_set():
            return
        scope = f"warm/20260101/us-west-1/{service}/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
        if target:
            headers |= {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
        answer = client.open(path, method=method, headers=headers, data="{}" if target else None)
        if answer.status_code >= 400:
            _log.warning("warm-up of %s answered %s", service, answer.status)
