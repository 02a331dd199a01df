"""Start, find, own and stop, with real processes."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from drillbook.clock import SystemClock
from drillbook.embedded import process, sweep
from drillbook.embedded.process import Cloud
from drillbook.errors import TargetError, UsageError
from drillbook.liveness import birth_of
from drillbook.waiting import wait_for

clock = SystemClock()
PACKAGES = str(Path(process.__file__).parents[2])


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that what other clouds of this machine keep there is not taken for ours. Short, or it would not be used."""
    with tempfile.TemporaryDirectory(prefix="db-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    if left := process.find(tmp_path / "state"):
        process.stop(left)


class OpenJournal(Protocol):
    path: Path

    def heal(self) -> None: ...


def scratches() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob(f"{sweep.SCRATCH}*")}


def assert_gone(cloud: Cloud, within: float) -> None:
    wait_for("the end of the cloud", lambda: birth_of(cloud.pid) is None, timeout=within, clock=clock)
    wait_for("its port to be free", lambda: not connects(cloud), timeout=1, clock=clock)


def connects(cloud: Cloud) -> bool:
    address = urlsplit(cloud.endpoint)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname, address.port)) == 0


def an_owner() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)


def kill(owner: subprocess.Popen[bytes]) -> None:
    owner.kill()
    owner.communicate()


def test_a_cloud_is_found_and_stopped_and_leaves_nothing(state_dir: Path) -> None:
    cloud = process.start(state_dir, owner=os.getpid(), speed=50)
    assert process.find(state_dir) == cloud
    assert process.status(cloud)["ready"]
    assert (state_dir / "cloud.json").stat().st_mode & 0o777 == 0o600
    process.stop(cloud)
    assert_gone(cloud, within=0.1)
    assert process.find(state_dir) is None
    assert scratches() == set()
    assert not (state_dir / "cloud.json").exists()
    with pytest.raises(TargetError, match="is gone"):
        process.status(cloud)


def test_several_starts_at_once_make_one_cloud(state_dir: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        clouds = set(pool.map(lambda _: process.start(state_dir, owner=os.getpid()), range(4)))
    assert len(clouds) == 1


def test_a_second_start_with_another_speed_is_refused(state_dir: Path) -> None:
    process.start(state_dir, owner=os.getpid(), speed=100)
    with pytest.raises(UsageError, match="runs already"):
        process.start(state_dir, owner=os.getpid(), speed=10)


def test_a_cloud_stops_when_the_last_owner_dies(state_dir: Path) -> None:
    first, second = an_owner(), an_owner()
    cloud = process.start(state_dir, owner=first.pid)
    assert process.start(state_dir, owner=second.pid) == cloud
    kill(first)
    clock.sleep(1.2)
    assert process.find(state_dir) == cloud
    kill(second)
    assert_gone(cloud, within=3)
    assert scratches() == set()


def test_an_open_journal_keeps_the_cloud_of_a_dead_owner(state_dir: Path, open_journal: OpenJournal) -> None:
    owner = an_owner()
    cloud = process.start(state_dir, owner=owner.pid, journal=open_journal.path)
    kill(owner)
    clock.sleep(1.5)
    assert process.find(state_dir) == cloud
    open_journal.heal()
    assert_gone(cloud, within=3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_cloud_cleanly(state_dir: Path, number: signal.Signals) -> None:
    cloud = process.start(state_dir, owner=None)
    assert len(scratches()) == 1
    os.kill(cloud.pid, number)
    assert_gone(cloud, within=5)
    assert scratches() == set()


def test_a_cloud_without_owner_outlives_its_starter_until_it_is_idle(state_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from drillbook.embedded import process;"
        "print(process.start(Path(sys.argv[1]), owner=None, idle_limit=2).pid)"
    )
    environ = {**os.environ, "PYTHONPATH": PACKAGES}
    subprocess.run([sys.executable, "-c", code, str(state_dir)], check=True, env=environ, capture_output=True)
    cloud = process.find(state_dir)
    assert cloud is not None
    assert_gone(cloud, within=6)


def test_what_a_killed_cloud_left_is_swept_by_the_next_start(state_dir: Path) -> None:
    killed = process.start(state_dir, owner=os.getpid())
    os.kill(killed.pid, signal.SIGKILL)
    assert_gone(killed, within=2)
    assert process.find(state_dir) is None
    cloud = process.start(state_dir, owner=os.getpid())
    assert cloud.id != killed.id
    process.stop(cloud)
    assert scratches() == set()


def test_stop_leaves_a_process_alone_that_is_not_this_cloud(state_dir: Path) -> None:
    cloud, bystander = process.start(state_dir, owner=os.getpid()), an_owner()
    process.stop(replace(cloud, id="another"))
    process.stop(replace(cloud, id="another", pid=bystander.pid, endpoint="http://127.0.0.1:9"))
    assert process.find(state_dir) == cloud
    assert bystander.poll() is None
    kill(bystander)


def test_a_cloud_that_cannot_start_says_why_in_one_line(state_dir: Path) -> None:
    with pytest.raises(TargetError, match=r"exit code 2\).*invalid float value") as failed:
        process.start(state_dir, owner=None, speed="fast")  # type: ignore[arg-type]
    assert "\n" not in str(failed.value)


def test_clients_that_give_up_are_no_news(state_dir: Path) -> None:
    cloud = process.start(state_dir, owner=os.getpid())
    address = urlsplit(cloud.endpoint)
    for _ in range(20):
        with socket.create_connection((address.hostname, address.port)) as impatient:
            impatient.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            impatient.sendall(b"GET /_drillbook/status HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
    assert process.status(cloud)["ready"]
    process.stop(cloud)
    assert "Traceback" not in (state_dir / "cloud.log").read_text()
