"""Functions' logs, in the shape and place of AWS: /aws/lambda/<function>, one stream a sandbox.

Source: "Sending Lambda function logs to CloudWatch Logs"
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html).
"""

from __future__ import annotations

import math

from moto.awslambda.models import LambdaFunction
from moto.core.utils import unix_time_millis
from moto.logs.models import logs_backends

from drillbook.embedded.functions.sandbox import Outcome

EVENTS_KEPT = 5_000
"""Of one stream: a cloud may run for hours under a canary. AWS keeps all."""
TAIL = 4096
"""Bytes of LogType=Tail. Source: Invoke, "LogResult"."""


def text(function: LambdaFunction, outcome: Outcome) -> str:
    """What one invocation wrote, between AWS's own START, END and REPORT lines."""
    request_id = outcome.request_id
    milliseconds = outcome.seconds * 1000
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: "
        f"{math.ceil(milliseconds)} ms\tMemory Size: {function.memory_size} MB\t"
    )
    printed = outcome.log.decode("utf-8", "replace").rstrip("\n").replace("\r", "\n")
    lines = [f"START RequestId: {request_id} Version: {function.version}", printed, f"END RequestId: {request_id}"]
    return "\n".join([line for line in lines if line] + [report])


def write(function: LambdaFunction, stream: str, outcome: Outcome) -> None:
    if not stream:
        return
    logs = logs_backends[function.account_id][function.region]
    logs.ensure_log_group(function.logs_group_name)
    logs.ensure_log_stream(function.logs_group_name, stream)
    now = int(unix_time_millis())
    lines = text(function, outcome).splitlines()
    logs.put_log_events(function.logs_group_name, stream, [{"timestamp": now, "message": line} for line in lines])
    del logs.groups[function.logs_group_name].streams[stream].events[:-EVENTS_KEPT]


def tail(function: LambdaFunction, outcome: Outcome) -> bytes:
    return text(function, outcome).encode()[-TAIL:]
