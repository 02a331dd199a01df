"""Commands of a service file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drillbook.clock import SystemClock
from drillbook.errors import PermanentError, TemporaryError
from drillbook.events import EventKind
from drillbook.shell.command import Command, Finished, _dying_with_us, run
from drillbook.shell.environment import environment_of
from drillbook.waiting import wait_for
from drillbook.world import World

Make = Callable[..., World]


def python(world: World, code: str, *, timeout: float = 20.0, stdin: str = "", **env: str) -> Finished:
    return run(world, Command((sys.executable, "-c", code), env, timeout, stdin))


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_command_runs_in_the_folder_of_the_service_with_its_environment_and_input(world: Make) -> None:
    there = world()
    done = python(
        there, "import os,sys; print(os.getcwd(), os.environ['COLOUR'], sys.stdin.read())", stdin="hello", COLOUR="red"
    )
    assert done.ok
    assert done.out.split() == [str(there.service.folder.resolve()), "red", "hello"]


def test_output_is_kept_up_to_a_bound_and_input_may_be_ignored(world: Make) -> None:
    done = python(
        world(), "print('x' * 99 + '\\n', end='') or [print('y' * 99) for _ in range(30000)]", stdin="z" * 300_000
    )
    assert done.ok
    assert 200_000 < len(done.out) < 700_000
    assert "x" not in done.out


def test_input_larger_than_a_pipe_arrives_whole(world: Make) -> None:
    done = python(world(), "import sys; print(len(sys.stdin.read()))", stdin="z" * 500_000)
    assert done.out.strip() == "500000"


def test_a_command_that_closes_its_outputs_is_still_waited_for(world: Make) -> None:
    done = python(world(), "import os,time; os.close(1); os.close(2); time.sleep(0.3); os._exit(3)")
    assert (done.status, done.timed_out) == (3, False)
    assert done.seconds >= 0.3


def test_a_command_out_of_time_is_killed_with_all_its_children(world: Make) -> None:
    stubborn = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    spawn = f"subprocess.Popen([sys.executable, '-c', {stubborn!r}])"
    code = f"import subprocess,sys; print({spawn}.pid, flush=True); {stubborn}"
    done = python(world(), code, timeout=1.0)
    assert done.timed_out
    assert not done.ok
    wait_for("the child's end", lambda: not is_alive(int(done.out)), timeout=3, clock=SystemClock())
    with pytest.raises(PermanentError, match="no end within"):
        done.expect_success()


def test_an_endless_talker_is_out_of_time_too(world: Make) -> None:
    assert python(world(), "while True: print('y' * 1000)", timeout=0.5).timed_out


def test_a_server_that_a_command_leaves_running_does_not_hold_it_up(world: Make) -> None:
    server = "[sys.executable, '-c', 'import time; time.sleep(30)']"
    code = f"import subprocess,sys; print(subprocess.Popen({server}, start_new_session=True).pid)"
    began = time.monotonic()
    done = python(world(), code)
    assert time.monotonic() - began < 10
    assert is_alive(int(done.out))
    os.kill(int(done.out), 9)


def test_a_command_dies_with_a_drill_that_is_killed(tmp_path: Path) -> None:
    if not _dying_with_us():
        return  # only Linux with util-linux ends a child with its parent; elsewhere heal waits for the settle time
    code = "import os,sys; open(sys.argv[1], 'w').write(str(os.getpid())); import time; time.sleep(60)"
    drill = f"""
import threading
from drillbook.shell.command import _dying_with_us
import subprocess, sys
subprocess.run([*_dying_with_us(), sys.executable, "-c", {code!r}, {str(tmp_path / "pid")!r}])
"""
    parent = subprocess.Popen([sys.executable, "-c", drill])
    clock = SystemClock()
    wait_for(
        "the command's start",
        lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(),
        timeout=10,
        clock=clock,
    )
    parent.kill()
    parent.wait()
    wait_for("the command's end", lambda: not is_alive(int((tmp_path / "pid").read_text())), timeout=5, clock=clock)


def test_an_interrupted_drill_leaves_no_command_behind(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    there = world()
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remembered(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **options))
        return started[-1]

    class Interrupted(SystemClock):
        def monotonic(self) -> float:
            if started and threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            return super().monotonic()

    there.clock = Interrupted()
    monkeypatch.setattr("drillbook.shell.command.subprocess.Popen", remembered)
    with pytest.raises(KeyboardInterrupt):
        python(there, "import time; time.sleep(60)")
    assert started[0].returncode is not None


def test_a_missing_program_is_named(world: Make) -> None:
    for argv in ("no-such-program", "./app/no-such-script", "/no/such/program"):
        with pytest.raises(PermanentError, match="there is no program") as caught:
            run(world(), Command((argv,), {}, 5))
        assert argv in str(caught.value)
        assert caught.value.do


def test_a_program_that_is_no_program_is_told_in_one_line(world: Make) -> None:
    there = world()
    script = there.service.folder / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(PermanentError, match=r"cannot be started|exit status 12[67]"):
        run(there, Command(("./script",), {}, 5)).expect_success()
    with pytest.raises(PermanentError, match="cannot be started"):
        run(there, Command((sys.executable, "a\0b"), {}, 5))


def test_failures_are_permanent_unless_the_command_asks_to_be_tried_again(world: Make) -> None:
    there = world()
    with pytest.raises(PermanentError, match=r"exit status 3: no luck") as caught:
        python(there, "import sys; sys.exit(print('no luck', file=sys.stderr) or 3)").expect_success()
    assert caught.value.code == "3"
    with pytest.raises(TemporaryError):
        python(there, "raise SystemExit(75)").expect_success()


def test_a_command_is_told_as_one_event_without_secrets_or_paths_of_this_machine(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_TOKEN", "tok-1234567")
    there = world()
    run(there, Command(("/bin/sh", "-c", 'echo "$MY_API_TOKEN password=hunter2 $PWD" >&2; exit 4'), {}, 5))
    (event,) = there.events.events
    assert (event.kind, event.name, event.data["status"]) == (EventKind.CALL, "sh", 4)
    assert "{service_dir}" in event.data["tail"]
    shown = str(event.as_json())
    assert not [secret for secret in ("tok-1234567", "hunter2", str(there.service.folder)) if secret in shown]


def test_a_command_is_pointed_at_the_drills_world_and_away_from_the_callers_account(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.setenv(name, "the caller's own")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the caller's own")
    there = world()
    there.aws = cast(Any, SimpleNamespace(region="eu-west-1", account="111122223333", endpoint="http://127.0.0.1:4"))
    environment = environment_of(there, {"X": "1"})
    assert "the caller's own" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4"
    assert (environment["AWS_REGION"], environment["X"], environment["DRILLBOOK_RUN"]) == ("eu-west-1", "1", "run-1")
    there.aws = cast(Any, SimpleNamespace(region="eu-west-1", account="111122223333", endpoint=None))
    assert environment_of(there, {})["AWS_PROFILE"] == "the caller's own"
