"""One execution environment of a Lambda function: a process that runs the code through AWS's own runtime client.

Sources: AWS Lambda, "Understanding the Lambda execution environment lifecycle"
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html) and "Working with Lambda environment
variables" (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).

What is not as on AWS: the Python is the one that runs the cloud, whatever the function's runtime says; CPU and memory
are not limited; ``/tmp`` is the machine's (``TMPDIR`` is the sandbox's own).
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drillbook.clock import Clock
from drillbook.embedded.functions.sandbox_api import Event, RuntimeApi
from drillbook.embedded.functions.sandbox_log import SandboxLog
from drillbook.embedded.functions.sandbox_process import Order, Process

MAX_RESPONSE = 6_291_556
"""Bytes. Source: Lambda quotas, "Invocation payload": 6 MB for synchronous responses."""
INIT_LIMIT = 30.0
"""Seconds a sandbox may take to import its code. AWS allows 10 with a CPU of its own; here CPUs are shared."""
_FROM_HOST = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "COVERAGE_PROCESS_START")


@dataclass(frozen=True)
class Blueprint:
    """Everything that makes two sandboxes interchangeable."""

    function: str
    """ARN with the version where one was published: what the sandbox belongs to."""
    handler: str
    code_sha: str
    code: Path
    """The unpacked code, shared by the sandboxes of one version, never written by the cloud again."""
    timeout: float
    """Seconds (monotonic), from the event's hand-over."""
    environment: tuple[tuple[str, str], ...]
    """The complete environment but for the runtime API's address and the log stream."""

    @property
    def region(self) -> str:
        return "".join(self.function.split(":")[3:4])


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended. ``error`` is empty, or ``Unhandled`` and then ``payload`` is AWS's error object."""

    payload: bytes
    error: str = ""
    log: bytes = b""
    seconds: float = 0.0
    request_id: str = ""


class Sandbox:
    """Runs one invocation at a time. ``ready`` is called once: when it waits for an event, or has failed to start."""

    def __init__(
        self,
        blueprint: Blueprint,
        scratch: Path,
        clock: Clock,
        ready: Callable[[Sandbox], None],
        start: Callable[[Order], Process],
    ) -> None:
        self.blueprint, self.clock, self._start = blueprint, clock, start
        self.log_stream = f"{clock.now():%Y/%m/%d}/[{_version(blueprint.function)}]{uuid.uuid4().hex}"
        self.born = self.idle_since = clock.monotonic()
        self.started = self.lost = False
        self.start_error: bytes | None = None
        """Why it never became ready, as AWS's error object."""
        self._ready, self._request = ready, ""
        self._first_news, self._whole = threading.Lock(), threading.Event()
        self._outcomes: queue.SimpleQueue[tuple[str, bytes, str]] = queue.SimpleQueue()
        self._home = scratch / f"sandbox-{uuid.uuid4().hex[:12]}"
        self._home.mkdir(parents=True)
        self._api = RuntimeApi(self)
        self._process = self._spawn()
        assert self._process.stdout is not None
        self._log = SandboxLog(self._process.stdout, self._has_exited, self._gone)
        self._whole.set()

    @property
    def alive(self) -> bool:
        """Can it take another event?"""
        return self.start_error is None and not self._has_exited()

    @property
    def pid(self) -> int:
        return self._process.pid

    def invoke(self, payload: bytes, request_id: str) -> Outcome:
        """Hand over one event and wait for its end, at most the function's timeout. One caller at a time."""
        began = self.clock.monotonic()
        self._request = request_id
        timeout = self.blueprint.timeout
        deadline = int((self.clock.now().timestamp() + timeout) * 1000)
        if self._has_exited():  # Nobody would say so any more.
            return Outcome(self._exit_error(), "Unhandled", self._log.take(), 0.0, request_id)
        self._api.events.put(Event(request_id, payload, deadline, self.blueprint.function))
        body, error = self._await(request_id, timeout)
        self.idle_since = self.clock.monotonic()
        return Outcome(body, error, self._log.take(), self.idle_since - began, request_id)

    def start_failure(self) -> Outcome:
        """What an invocation gets that met this sandbox, which never became ready."""
        return Outcome(self.start_error or b"", "Unhandled", self._log.take())

    def give_up_starting(self) -> None:
        """It has been starting for too long."""
        what = f"Error: Task timed out after {INIT_LIMIT:.2f} seconds in its init phase"
        self.start_error = _error("Sandbox.Timedout", what)
        self._process.kill()

    def lose(self) -> None:
        """End the process because its region goes dark; what it works on ends with it, unanswered."""
        self.lost = True
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process at once, and leave nothing behind."""
        if not self._has_exited():
            self._process.kill()
        self._process.wait()
        self._api.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        shutil.rmtree(self._home, ignore_errors=True)

    # What the runtime client does, heard from the server's threads.

    def asked_for_event(self) -> None:
        self._has_started()

    def answered(self, request_id: str, payload: bytes) -> None:
        if len(payload) > MAX_RESPONSE:
            what = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
            self._outcomes.put((request_id, _error("Function.ResponseSizeTooLarge", what), "Unhandled"))
        else:
            self._outcomes.put((request_id, payload, ""))

    def failed(self, request_id: str, error: bytes) -> None:
        self._outcomes.put((request_id, error, "Unhandled"))

    def failed_to_start(self, error: bytes) -> None:
        self.start_error = error
        self._has_started()

    def _has_started(self) -> None:
        self._whole.wait()  # A forked process may ask for its first event before we know its number.
        if self._first_news.acquire(blocking=False):
            self.started = True
            self._ready(self)

    def _gone(self) -> None:
        """The process ended. If it was working on an event, that event ends with it."""
        error = self._exit_error()
        if not self.started and self.start_error is None:
            self.start_error = error
        self._has_started()
        self._outcomes.put((self._request, error, "Unhandled"))

    def _exit_error(self) -> bytes:
        request = f"RequestId: {self._request} " if self._request else ""
        return _error("Runtime.ExitError", f"{request}Error: {_exit_text(self._process.wait())}")

    def _await(self, request_id: str, timeout: float) -> tuple[bytes, str]:
        end = self.clock.monotonic() + timeout
        while (left := end - self.clock.monotonic()) > 0:
            try:
                answered, body, error = self._outcomes.get(timeout=left)
            except queue.Empty:
                break
            if answered == request_id:
                return body, error
        self._process.kill()
        what = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
        return _error("Sandbox.Timedout", what), "Unhandled"

    def _has_exited(self) -> bool:
        return self._process.poll() is not None

    def _spawn(self) -> Process:
        environment = {name: os.environ[name] for name in _FROM_HOST if name in os.environ}
        environment |= {"HOME": str(self._home), "TMPDIR": str(self._home), "TZ": ":UTC", "LANG": "en_US.UTF-8"}
        environment |= dict(self.blueprint.environment)
        environment |= {
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "LAMBDA_TASK_ROOT": str(self.blueprint.code),
            "_HANDLER": self.blueprint.handler,
        }
        return self._start(Order(self.blueprint.handler, self.blueprint.code, environment))


def _version(function: str) -> str:
    qualifier = function.split(":")[7:]
    return qualifier[0] if qualifier else "$LATEST"


def _exit_text(code: int) -> str:
    if code == 0:
        return "Runtime exited without providing a reason"
    if code < 0:
        return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
    return f"Runtime exited with error: exit status {code}"


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
