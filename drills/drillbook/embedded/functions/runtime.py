"""Invoking a function: the right version in a sandbox, within its reserved concurrency, counted and logged.

Sources: "Configuring reserved concurrency" (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html),
"Invoke" (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), "Understanding retry behavior in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.exceptions import JsonRESTError

from drillbook.clock import SystemClock
from drillbook.embedded.addresses import sandbox_key
from drillbook.embedded.crash import BLAME
from drillbook.embedded.domains import Failures
from drillbook.embedded.functions import code as functions_code
from drillbook.embedded.functions import log as functions_log
from drillbook.embedded.functions.sandbox import Blueprint, Outcome
from drillbook.embedded.functions.sandbox_pool import RegionDark, SandboxPool
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.planes import CloudState
from drillbook.errors import TargetError
from drillbook.shell.environment import way_out
from drillbook.shell.proxy import proxy

MAX_REQUEST = 6_291_456
"""Bytes of a synchronous request. Source: Lambda quotas, "Invocation payload"."""
ACCOUNT_CONCURRENCY = 20
"""Invocations under way at once in one region, all functions together, those that wait for a sandbox included; more are
throttled. An AWS account has 1,000, a new one 10 ("Lambda quotas"). Without a limit, a machine that is slow for a
moment would gather requests that nobody waits for any more, and never recover."""
RETRY_PAUSES = (60.0, 120.0)
"""AWS seconds before the second and third attempt of an asynchronous invocation."""


DARKNESS_POLL = 0.05
"""Seconds between looks of a queued event for its region's return."""


class Rejected(JsonRESTError):
    """Lambda did not run the function. ``reason`` goes into the body where the API's model has a Reason."""

    def __init__(self, status: int, error: str, message: str, reason: str = "") -> None:
        super().__init__(error, message)
        self.code = status
        body = {"Type": "User" if status < 500 else "Service", "message": message}
        self.description = json.dumps(body | ({"Reason": reason} if reason else {}))

    def get_headers(self, *args: Any, **named: Any) -> list[tuple[str, str]]:
        """A refusal that AWS would not have given says so in a header of its own."""
        blame = [(BLAME, "sandbox")] if self.error_type == "ServiceException" else []
        return super().get_headers(*args, **named) + blame


def region_lost() -> Rejected:
    """What a caller inside the cloud gets when the function's region went dark."""
    return Rejected(503, "ServiceUnavailableException", "The function's region does not answer.")


class FunctionRuntime:
    """Runs functions of one cloud. Sandboxes are real processes, hence the machine's clock for everything."""

    def __init__(self, cloud: CloudState) -> None:
        self.cloud = cloud
        self.pool = SandboxPool(cloud.scratch / "functions", SystemClock())
        self.broken_starts = 0
        """How often the cloud itself could not start a sandbox."""
        self._metrics = store_of(cloud)
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def invoke(self, function: LambdaFunction, payload: bytes, *, qualifier: str = "") -> Outcome:
        """Run ``function`` (already the version to run) and wait for its answer.

        Raises Rejected when Lambda would not run it: throttled, too large, no Python, or the cloud cannot (500).
        Raises RegionDark when the region is dark, or goes dark before the function has answered.
        """
        _accept(function, payload)
        with self._concurrency(function, qualifier):
            request_id = str(uuid.uuid4())
            try:
                outcome, stream = self.pool.run(self._blueprint(function), payload, request_id)
            except (TargetError, OSError) as error:
                self.broken_starts += 1
                raise Rejected(500, "ServiceException", f"The embedded cloud is at fault: {error}") from error
        failed, milliseconds = float(bool(outcome.error)), outcome.seconds * 1000
        self._count(function, qualifier, Invocations=1.0, Errors=failed, Duration=milliseconds, Throttles=0.0)
        functions_log.write(function, stream, outcome)
        return outcome

    def invoke_later(self, function: LambdaFunction, payload: bytes, *, qualifier: str = "") -> None:
        """InvocationType=Event: accepted now, tried up to three times in a thread of its own."""
        work = threading.Thread(target=self._try_thrice, args=(function, payload, qualifier), daemon=True)
        work.start()

    def invoke_when_lit(self, function: LambdaFunction, payload: bytes, *, qualifier: str = "") -> Outcome:
        """As ``invoke``, for whoever has a queue: an event that a dark region swallowed runs again when it is back.

        Raises Rejected, as ``invoke``, and when the cloud ends.
        """
        while not self._closed.is_set():
            try:
                return self.invoke(function, payload, qualifier=qualifier)
            except RegionDark:
                self._closed.wait(DARKNESS_POLL)
        raise Rejected(503, "ServiceUnavailableException", "The embedded cloud is ending.")

    def changed(self, _: Failures, now: Failures) -> None:
        """Stop what runs in dark regions."""
        self.pool.darken(now.regions)

    def close(self) -> None:
        self._closed.set()
        self.pool.close()

    def _try_thrice(self, function: LambdaFunction, payload: bytes, qualifier: str) -> None:
        for pause in (*RETRY_PAUSES, 0.0):
            try:
                failed = bool(self.invoke_when_lit(function, payload, qualifier=qualifier).error)
            except Rejected:
                failed = True
            if not failed or self._closed.wait(self.cloud.aws_seconds(pause)):
                return

    @contextmanager
    def _concurrency(self, function: LambdaFunction, qualifier: str) -> Iterator[None]:
        name = f"{function.region}:{function.function_name}"
        latest = lambda_backends[function.account_id][function.region].get_function(function.function_name)
        limit = latest.reserved_concurrency
        with self._lock:
            reason = ""
            if limit is not None and self._running[name] >= int(limit):
                reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
            elif self._running_in(function.region) >= ACCOUNT_CONCURRENCY:
                reason = "ConcurrentInvocationLimitExceeded"
            self._running[name] += not reason
        if reason:
            self._count(function, qualifier, Throttles=1.0)
            raise Rejected(429, "TooManyRequestsException", "Rate Exceeded.", reason)
        try:
            yield
        finally:
            with self._lock:
                self._running[name] -= 1

    def _running_in(self, region: str) -> int:
        return sum(count for name, count in self._running.items() if name.startswith(f"{region}:"))

    def _count(self, function: LambdaFunction, qualifier: str, **metrics: float) -> None:
        own = {"FunctionName": function.function_name}
        owners: list[dict[str, str]] = [{}, own]  # Without dimensions: all functions of the region together.
        if qualifier:
            owners.append(own | {"Resource": f"{function.function_name}:{qualifier}"})
        now = self.cloud.clock.now().timestamp()
        for owner in owners:
            for name, value in metrics.items():
                place = (function.account_id, function.region, "AWS/Lambda", name, dimensions(owner))
                self._metrics.record(Series(*place), now, [value])

    def _blueprint(self, function: LambdaFunction) -> Blueprint:
        return Blueprint(
            function=function.function_arn,
            handler=function.handler or "",
            code_sha=function.code_sha_256,
            code=functions_code.unpacked(function, self._code_directory),
            timeout=float(function.timeout or 3),
            environment=tuple(sorted(self._environment(function).items())),
        )

    @property
    def _code_directory(self) -> Path:
        return self.cloud.scratch / "functions" / "code"

    def _environment(self, function: LambdaFunction) -> dict[str, str]:
        """Nothing of the machine's own AWS settings gets in, and no way to AWS itself. What AWS reserves the function
        cannot override."""
        theirs = {name: str(value) for name, value in (function.environment_vars or {}).items()}
        dummy = {
            "AWS_ACCESS_KEY_ID": sandbox_key(function.region),
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_SESSION_TOKEN": "embedded",
        }
        ours = {
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return {"AWS_ENDPOINT_URL": self.cloud.endpoint} | theirs | dummy | ours | way_out(proxy().url, direct=[])


def _accept(function: LambdaFunction, payload: bytes) -> None:
    if len(payload) > MAX_REQUEST:
        what = f"Request must be smaller than {MAX_REQUEST} bytes for the InvokeFunction operation"
        raise Rejected(413, "RequestTooLargeException", what)
    if not str(function.run_time or "").startswith("python"):
        what = f"The embedded cloud runs Python handlers from zip files, not {function.run_time or 'container images'}"
        raise Rejected(502, "InvalidRuntimeException", what)
    try:
        json.loads(payload)
    except ValueError as error:
        what = f"Could not parse request body into json: {error}"
        raise Rejected(400, "InvalidRequestContentException", what) from error


@cache
def runtime_of(cloud: CloudState) -> FunctionRuntime:
    """The one runtime of a cloud, which the Lambda API and the front door share."""
    return FunctionRuntime(cloud)
