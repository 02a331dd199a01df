"""Starting, finding and stopping the embedded cloud, a process of its own: it must survive a killed drill.

``<state_dir>/cloud.json`` (0600) tells where it is; ``cloud.log`` what it had to say.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from drillbook.clock import Clock, SystemClock
from drillbook.embedded import sweep
from drillbook.embedded.domains import Failures
from drillbook.embedded.watch import IDLE
from drillbook.errors import TargetError, UsageError, WaitTimeout
from drillbook.events import Json
from drillbook.liveness import birth_of
from drillbook.waiting import wait_for

ACCOUNT = "111122223333"
_PACKAGES = Path(__file__).parents[2]
_START_TIMEOUT = 60.0
_PATIENCE = 15.0
_COMMAND_TIMEOUT = 60.0
_children: set[int] = set()
"""Pids of clouds that this process started and has not reaped yet, so that no other process can have them."""


@dataclass(frozen=True)
class Cloud:
    """A running embedded cloud. ``endpoint`` is a URL without a slash at the end; AWS durations are / ``speed``."""

    id: str
    pid: int
    endpoint: str
    speed: float
    account: str = ACCOUNT


def start(
    state_dir: Path,
    *,
    owner: int | None,
    speed: float = 100,
    journal: Path | None = None,
    account: str = ACCOUNT,
    idle_limit: float = IDLE,
    world: Path | None = None,
) -> Cloud:
    """The cloud of ``state_dir``, started if it does not run yet, and ready for its first call.

    A new one has the saved ``world`` in it. That executes code from the file: see ``world_file``.

    It stops within 2 s when its last ``owner`` (a pid) is gone, but while ``journal`` holds open entries it waits for
    up to an hour to be healed. With ``owner`` None it lives until ``stop`` or ``idle_limit`` seconds without a request.

    Raises UsageError if one runs already with another speed or account, TargetError if it cannot be started.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with _alone(state_dir):
        running = find(state_dir)
        if running is not None and (running.speed, running.account) != (speed, account):
            raise UsageError(
                f"a cloud with speed {running.speed:g} and account {running.account} runs already in {state_dir}",
                do="stop it with `drillbook cloud down`, or use another state directory",
            )
        if running is not None and _join(running, owner, journal):
            return running
        if running is not None:
            _gone(running.pid, SystemClock(), _PATIENCE)
        _sweep(state_dir)
        return _launch(state_dir.resolve(), owner, speed, journal, account, idle_limit, world)


def find(state_dir: Path) -> Cloud | None:
    """The cloud that runs in ``state_dir``; None if there is none, or what the state file names is gone.

    Raises WaitTimeout if it runs and does not answer.
    """
    noted = _noted(state_dir)
    if noted is None:
        return None
    named = Cloud(noted["id"], noted["pid"], noted["endpoint"], noted["speed"], noted["account"])
    wait_for(
        f"an answer of the embedded cloud (pid {named.pid})",
        lambda: _answers(named) or not _is_cloud(named),
        timeout=_PATIENCE,
        clock=SystemClock(),
        do="stop it with `drillbook cloud down`",
    )
    return named if _answers(named) else None


def status(cloud: Cloud) -> dict[str, Json]:
    """What the cloud says about itself. Raises TargetError if it is gone."""
    said: dict[str, Json] | None = _ask(cloud.endpoint, "GET", "status")
    if said is None or said["id"] != cloud.id:
        raise TargetError(f"the embedded cloud at {cloud.endpoint} is gone", do="start it again: `drillbook cloud up`")
    return said


def failures(cloud: Cloud) -> Failures:
    """What is broken in the cloud now. Raises TargetError if it is gone."""
    return Failures.from_json(status(cloud)["failures"])


def become(cloud: Cloud, failures: Failures) -> None:
    """Break and mend until exactly ``failures`` are there; in effect on return. Raises TargetError if it is gone or
    could not do it."""
    command(cloud, "failures", failures.as_json())


def break_also(cloud: Cloud, failures: Failures) -> None:
    """Break these besides what is broken. As ``become``; others may break and mend at the same time."""
    command(cloud, "break", failures.as_json())


def mend(cloud: Cloud, failures: Failures) -> None:
    """Mend these alone. As ``become``; others may break and mend at the same time."""
    command(cloud, "mend", failures.as_json())


def set_links(cloud: Cloud, delays: dict[str, float]) -> None:
    """Have exactly these delays between regions, in seconds, by ``one|other`` or ``service:one|other``
    (``embedded/links.py``). Raises TargetError if the cloud is gone or refuses them."""
    command(cloud, "links", delays)


def command(cloud: Cloud, verb: str, body: Json) -> None:
    """Have the cloud do something, and wait until it is done. Raises TargetError with what it says if it does not."""
    status, said = _call(cloud.endpoint, "POST", verb, cloud.id, body, timeout=_COMMAND_TIMEOUT)
    if status == 409:
        raise TargetError(said["what"], do=said["do"])
    if status != 200:
        raise TargetError(f"the embedded cloud at {cloud.endpoint} is gone", do="start it again: `drillbook cloud up`")


def clear(state_dir: Path) -> None:
    """Remove what a killed cloud of ``state_dir`` left, and other killed clouds of this user. A live one stays."""
    if state_dir.is_dir():
        with _alone(state_dir):
            if find(state_dir) is None:
                _sweep(state_dir)


def _join(cloud: Cloud, owner: int | None, journal: Path | None) -> bool:
    """Become an owner, too; False if the cloud is about to end."""
    asked = {"owner": owner, "journal": journal and str(journal.resolve())}
    return _ask(cloud.endpoint, "POST", "owner", cloud.id, asked) is not None


def _answers(cloud: Cloud) -> bool:
    said = _ask(cloud.endpoint, "GET", "status")
    return said is not None and said["id"] == cloud.id


def stop(cloud: Cloud, clock: Clock | None = None) -> None:
    """End this cloud, and no other process that may have its pid or port by now, and remove what it may have left.

    Raises TargetError if it does not end.
    """
    _end(cloud, clock or SystemClock())
    sweep.sweep()


def _end(cloud: Cloud, clock: Clock) -> None:
    if _answers(cloud):
        _ask(cloud.endpoint, "POST", "stop", cloud.id)
        if _gone(cloud.pid, clock, timeout=5.0):
            return
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _is_cloud(cloud):
            return
        os.kill(cloud.pid, number)
        if _gone(cloud.pid, clock, timeout=3.0):
            return
    raise TargetError(f"the embedded cloud (pid {cloud.pid}) does not end", do=f"see what keeps process {cloud.pid}")


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """One start at a time in this directory, across processes; the kernel lets go when the holder dies."""
    with (state_dir / "cloud.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _launch(
    state_dir: Path,
    owner: int | None,
    speed: float,
    journal: Path | None,
    account: str,
    idle_limit: float,
    world: Path | None,
) -> Cloud:
    cloud_id = uuid4().hex
    arguments = {
        "id": cloud_id,
        "state-file": state_dir / "cloud.json",
        "account": account,
        "speed": speed,
        "owner": owner,
        "journal": journal and journal.resolve(),
        "idle-limit": idle_limit,
        "world": world and world.resolve(),
    }
    command = [sys.executable, "-P", "-m", "drillbook.embedded"]
    command += [f"--{name}={value}" for name, value in arguments.items() if value is not None]
    log = state_dir / "cloud.log"
    pid = _spawn(command, log)
    try:
        return (
            wait_for(
                "the start of the embedded cloud",
                lambda: _started(pid, state_dir, cloud_id, log),
                until=lambda cloud: cloud is not None,
                timeout=_START_TIMEOUT,
                interval=0.02,
                clock=SystemClock(),
            )
            or _never()
        )
    except WaitTimeout:
        os.kill(pid, signal.SIGKILL)
        _gone(pid, SystemClock(), timeout=3.0)
        raise TargetError(
            f"the embedded cloud was not ready within {_START_TIMEOUT:g} s; it said: {_last_line(log)}",
            do=f"read {log.name} in the state directory",
        ) from None


def _never() -> Cloud:
    raise AssertionError("wait_for returned although nothing was there")


def _spawn(command: list[str], log: Path) -> int:
    """The pid. In a session of its own, so that a Ctrl-C meant for the drill does not reach it.

    Not a ``Popen``: that complains at exit about a process which is meant to live on.
    """
    paths = [str(_PACKAGES), os.environ.get("PYTHONPATH", "")]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    log.unlink(missing_ok=True)
    streams: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(command[0], command, environ, file_actions=streams, setsid=True)
    _children.add(pid)
    return pid


def _started(pid: int, state_dir: Path, cloud_id: str, log: Path) -> Cloud | None:
    code = _reap(pid)
    if code is not None:
        raise TargetError(
            f"the embedded cloud ended while it started (exit code {code}): {_last_line(log)}",
            do=f"read {log.name} in the state directory, and see `drillbook doctor`",
        )
    noted = _noted(state_dir)
    if not noted or noted["id"] != cloud_id:
        return None
    said = _ask(noted["endpoint"], "GET", "status")
    if not said or not said["ready"]:
        return None
    return Cloud(said["id"], said["pid"], said["endpoint"], said["speed"], said["account"])


def _noted(state_dir: Path) -> Json:
    """The state file's content, or None if there is none that can be read: it is written whole or not at all."""
    try:
        return json.loads((state_dir / "cloud.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _ask(endpoint: str, method: str, command: str, cloud_id: str = "", body: Json = None) -> Json:
    """The answer of the cloud at ``endpoint``; None if nobody, or somebody else, answers there."""
    status, said = _call(endpoint, method, command, cloud_id, body, timeout=10)
    return said if status == 200 else None


def _call(endpoint: str, method: str, verb: str, cloud_id: str, body: Json, *, timeout: float) -> tuple[int, Json]:
    """Status and body of what is answered at ``endpoint``; status 0 if nothing that is a cloud's."""
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=timeout)
    try:
        headers = {"X-Drillbook-Id": cloud_id, "Content-Type": "application/json"}
        connection.request(method, f"/_drillbook/{verb}", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, HTTPException, json.JSONDecodeError):
        return 0, None
    finally:
        connection.close()


def _gone(pid: int, clock: Clock, timeout: float) -> bool:
    try:
        wait_for("the end", lambda: birth_of(pid) is None, timeout=timeout, interval=0.02, clock=clock)
    except WaitTimeout:
        return False
    _reap(pid, options=0)
    return True


def _reap(pid: int, options: int = os.WNOHANG) -> int | None:
    """The exit code of a child of ours that has ended; None for any other process."""
    if pid not in _children:
        return None
    ended, status = os.waitpid(pid, options)
    if not ended:
        return None
    _children.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _is_cloud(cloud: Cloud) -> bool:
    """Whether the process with this pid is this cloud, by the id on its command line."""
    arguments = Path(f"/proc/{cloud.pid}/cmdline")
    if Path("/proc/self").exists():
        return arguments.exists() and cloud.id.encode() in arguments.read_bytes()
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(cloud.pid)], capture_output=True, text=True, check=False)
    return cloud.id in shown.stdout


def _sweep(state_dir: Path) -> None:
    """Remove what clouds that were killed left: the state file, here, and directories and processes, wherever."""
    noted = _noted(state_dir)
    sweep.sweep(*[Path(noted["scratch"])] if noted else [])
    (state_dir / "cloud.json").unlink(missing_ok=True)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "nothing"
