"""A function that fails, fails in AWS's shapes; a cloud that fails says that it was the cloud."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.embedded.functions.sandbox import Blueprint
from drillbook.embedded.functions.sandbox_pool import SandboxPool
from drillbook.errors import TargetError
from drillbook.waiting import wait_for


def test_an_exception_tells_its_type_its_message_and_where(function: Callable[..., Any]) -> None:
    answer = function("def handler(event, context):\n    raise ValueError('wrong colour')\n").invoke()

    assert answer["FunctionError"] == "Unhandled"
    assert answer["said"]["errorType"] == "ValueError"
    assert answer["said"]["errorMessage"] == "wrong colour"
    assert "index.py" in answer["said"]["stackTrace"][0]
    assert "raise ValueError" in answer["said"]["stackTrace"][0]


def test_a_function_survives_its_own_exception(function: Callable[..., Any]) -> None:
    one = function("import os\ndef handler(event, context):\n    return os.getpid() // (1 - event.get('fail', 0))\n")
    pid = one.say()
    one.invoke({"fail": 1})

    assert one.say() == pid


def test_a_module_that_cannot_be_imported(function: Callable[..., Any]) -> None:
    one = function("import nothing_of_that_name\ndef handler(event, context):\n    return 1\n")
    answer = one.invoke()

    assert answer["FunctionError"] == "Unhandled"
    assert answer["said"]["errorType"] == "Runtime.ImportModuleError"
    assert answer["said"]["errorMessage"] == "Unable to import module 'index': No module named 'nothing_of_that_name'"


def test_a_handler_that_is_not_there(function: Callable[..., Any]) -> None:
    answer = function("x = 1\n").invoke()

    assert answer["said"]["errorType"] == "Runtime.HandlerNotFound"


def test_code_that_was_repaired_works_at_the_next_call(function: Callable[..., Any]) -> None:
    one = function("import nothing_of_that_name\n")
    assert one.invoke()["FunctionError"] == "Unhandled"
    one.update("def handler(event, context):\n    return 'repaired'\n")

    assert one.say() == "repaired"


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends(function: Callable[..., Any], end: str, told: str) -> None:
    one = function(f"import os\ndef handler(event, context):\n    if event: {end}\n    return 'here'\n")
    answer = one.invoke({"end": True})

    assert answer["FunctionError"] == "Unhandled"
    assert answer["said"]["errorType"] == "Runtime.ExitError"
    assert answer["said"]["errorMessage"].endswith(told)
    assert one.say() == "here"


def test_a_process_that_ends_before_it_is_ready(function: Callable[..., Any]) -> None:
    answer = function("import os\nos._exit(5)\n").invoke()

    assert answer["said"]["errorType"] == "Runtime.ExitError"
    assert answer["said"]["errorMessage"].endswith("exit status 5")


def test_a_function_that_takes_too_long_is_ended_at_its_timeout(function: Callable[..., Any]) -> None:
    one = function(
        "import os, time\ndef handler(event, context):\n"
        "    print(os.getpid(), context.get_remaining_time_in_millis() <= 1000)\n"
        "    time.sleep(event.get('sleep', 0))\n    return os.getpid()\n",
        Timeout=1,
    )
    pid = one.say()
    clock = SystemClock()
    began = clock.monotonic()
    answer = one.invoke({"sleep": 60})

    assert 0.95 < clock.monotonic() - began < 3
    assert answer["FunctionError"] == "Unhandled"
    assert answer["said"]["errorMessage"].endswith("Task timed out after 1.00 seconds")
    wait_for("the process to end", lambda: not psutil.pid_exists(pid), timeout=5, clock=clock)
    assert one.say() != pid


def test_an_answer_that_is_too_large(function: Callable[..., Any]) -> None:
    answer = function("def handler(event, context):\n    return 'x' * 6_300_000\n").invoke()

    assert answer["FunctionError"] == "Unhandled"
    assert answer["said"]["errorType"] == "Function.ResponseSizeTooLarge"


def test_an_answer_that_is_no_json(function: Callable[..., Any]) -> None:
    answer = function("def handler(event, context):\n    return {1, 2}\n").invoke()

    assert answer["said"]["errorType"] == "Runtime.MarshalError"


def test_a_runtime_that_the_cloud_does_not_have_is_said_to_be_missing(function: Callable[..., Any]) -> None:
    one = function("exports.handler = 1", Runtime="nodejs20.x")
    with pytest.raises(ClientError, match=r"InvalidRuntimeException.*Python handlers"):
        one.say()


def test_output_larger_than_a_pipe_does_not_stop_the_function(function: Callable[..., Any]) -> None:
    one = function("def handler(event, context):\n    print('y' * 500_000)\n    return 'done'\n")

    assert one.say() == "done"


def test_a_cloud_that_cannot_start_a_sandbox_blames_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python-here"))
    pool = SandboxPool(tmp_path / "scratch", SystemClock())
    try:
        with pytest.raises(TargetError, match="the embedded cloud cannot start a sandbox for arn:f"):
            pool.run(_blueprint(tmp_path), b"{}", "1")
    finally:
        pool.close()


def test_closing_the_pool_ends_every_sandbox_and_leaves_no_files(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("import os\ndef handler(event, context):\n    return os.getpid()\n")
    scratch = tmp_path / "scratch"
    pool = SandboxPool(scratch, SystemClock())
    outcome, _ = pool.run(_blueprint(tmp_path), b"{}", "1")
    pid = int(outcome.payload)
    assert pool.pids() == [pid]
    pool.close()

    assert not psutil.pid_exists(pid)
    assert list(scratch.iterdir()) == []


def test_events_that_wait_are_served_when_the_sandbox_they_wait_for_dies(function: Callable[..., Any]) -> None:
    one = function("import os\ndef handler(event, context):\n    os._exit(3)\n")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ends = {answer["said"]["errorType"] for answer in pool.map(lambda _: one.invoke(), range(8))}

    assert ends == {"Runtime.ExitError"}


def test_events_that_came_before_an_update_are_served_after_it(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return 1\n")
    pool = SandboxPool(tmp_path / "scratch", SystemClock())
    before, after = _blueprint(tmp_path), replace(_blueprint(tmp_path), environment=(("COLOUR", "blue"),))
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as callers:
            early = [callers.submit(pool.run, before, b"{}", str(number)) for number in range(6)]
            wait_for("a sandbox", pool.pids, timeout=10, clock=SystemClock(), interval=0.01)
            late = callers.submit(pool.run, after, b"{}", "late")
            assert {one.result(20)[0].payload for one in [*early, late]} == {b"1"}
        wait_for("the old sandboxes to end", lambda: len(pool.pids()) == 1, timeout=10, clock=SystemClock())
    finally:
        pool.close()


def test_a_sandbox_ends_when_nobody_holds_its_lifeline(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("def handler(event, context):\n    while True: pass\n")
    script = (
        "import sys; from pathlib import Path; from drillbook.clock import SystemClock\n"
        "from drillbook.embedded.functions.sandbox import Blueprint\n"
        "from drillbook.embedded.functions.sandbox_pool import SandboxPool\n"
        "code = Path(sys.argv[1]); blueprint = Blueprint('arn:f', 'index.handler', 'sha', code, 60.0, ())\n"
        "SandboxPool(code / 'scratch', SystemClock()).run(blueprint, b'{}', '1')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    cloud = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=environment)
    clock = SystemClock()
    family = partial(psutil.Process(cloud.pid).children, recursive=True)
    wait_for("the zygote and the sandbox", lambda: len(family()) == 2, timeout=20, clock=clock)
    there = family()
    cloud.kill()
    cloud.wait()

    wait_for("both to end", lambda: not any(one.is_running() for one in there), timeout=5, clock=clock)


def test_a_zygote_that_is_killed_takes_its_sandboxes_along_and_another_one_follows(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("import os\ndef handler(event, context):\n    return os.getpid()\n")
    pool = SandboxPool(tmp_path / "scratch", SystemClock())
    try:
        first = psutil.Process(int(pool.run(_blueprint(tmp_path), b"{}", "1")[0].payload))
        zygote = first.parent()
        assert zygote is not None
        assert "zygote_process" in zygote.cmdline()[-1]
        zygote.kill()
        wait_for("the sandbox to end", lambda: not first.is_running(), timeout=5, clock=SystemClock())
        second = psutil.Process(int(pool.run(_blueprint(tmp_path), b"{}", "2")[0].payload))
        assert second.parent() not in (zygote, psutil.Process())
    finally:
        pool.close()


def test_a_package_that_brings_its_own_library_gets_a_python_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(
        "import botocore, os\ndef handler(event, context):\n    return [botocore.__version__, os.getppid()]\n"
    )
    (tmp_path / "botocore.py").write_text("__version__ = 'of the package'\n")
    pool = SandboxPool(tmp_path / "scratch", SystemClock())
    try:
        answer = json.loads(pool.run(_blueprint(tmp_path), b"{}", "1")[0].payload)
    finally:
        pool.close()
    assert answer == ["of the package", os.getpid()]


def test_a_forked_sandbox_has_the_environment_of_its_function_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(
        "import os, random, tempfile\n"
        "def handler(event, context):\n"
        "    names = sorted(n for n in os.environ if not n.startswith(('_', 'AWS_LAMBDA')))\n"
        "    return [names, tempfile.gettempdir(), os.getcwd(), random.random(), len(os.listdir('/proc/self/fd'))]\n"
    )
    pool = SandboxPool(tmp_path / "scratch", SystemClock())
    blueprints = [replace(_blueprint(tmp_path), environment=(("COLOUR", colour),)) for colour in ("blue", "red")]
    try:
        seen = [json.loads(pool.run(blueprint, b"{}", "1")[0].payload) for blueprint in blueprints]
    finally:
        pool.close()
    for names, temporary, directory, _, open_files in seen:
        assert names == ["COLOUR", "HOME", "LAMBDA_TASK_ROOT", "LANG", "PATH", "TMPDIR", "TZ"]
        assert "sandbox-" in temporary
        assert directory == str(tmp_path)
        assert open_files < 12
    assert seen[0][3] != seen[1][3], "both draw the same random numbers"


def _blueprint(code: Path) -> Blueprint:
    return Blueprint("arn:f", "index.handler", "sha", code, 5.0, (("AWS_EXECUTION_ENV", "AWS_Lambda_python3.11"),))
