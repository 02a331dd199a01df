"""Whatever dies, and however: no process, no directory and no port of an embedded cloud is left."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from drillbook.clock import SystemClock
from drillbook.embedded import process, sweep, worlds
from drillbook.embedded.census import Member, family
from drillbook.embedded.process import Cloud
from drillbook.liveness import Process, birth_of
from drillbook.waiting import wait_for

clock = SystemClock()
REGION = "us-east-1"


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """So that what other clouds of this machine keep there is not taken for ours. Short, for sockets live below it."""
    with tempfile.TemporaryDirectory(prefix="db-") as folder:
        Path(folder).chmod(0o711)
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


@dataclass
class Scene:
    """A loaded cloud with everything that runs as a process of its own, and all of its processes."""

    cloud: Cloud
    state: Path

    def __post_init__(self) -> None:
        self.members = {one.pid: Process(one.pid, birth_of(one.pid) or "") for one in self.processes()}

    def processes(self) -> list[Member]:
        said = process.status(self.cloud)["planes"]
        return family(self.cloud.pid, *[int(pid) for plane in said.values() for pid in plane.get("pids", ())])

    def kill(self, pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def alive(self) -> list[int]:
        return [pid for pid, member in self.members.items() if member.alive]


def client_of(cloud: Cloud, service: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
    return boto3.client(service, region_name=REGION, endpoint_url=cloud.endpoint, config=config, **keys)


def fill(cloud: Cloud) -> None:
    client_of(cloud, "iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def answer(event, context): return 1")
    for name in ("one", "two"):
        client_of(cloud, "lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler="main.answer",
            Role="arn:aws:iam::111122223333:role/any",
            Code={"ZipFile": code.getvalue()},
        )
    databases = client_of(cloud, "rds")
    databases.create_db_instance(
        DBInstanceIdentifier="orders",
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MultiAZ=True,
        MasterUsername="orders",
        MasterUserPassword="a-password",
    )
    databases.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def work(cloud: Cloud) -> None:
    for name in ("one", "two"):
        assert client_of(cloud, "lambda").invoke(FunctionName=name)["StatusCode"] == 200


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Filled once, saved; each iteration loads it."""
    folder = tmp_path_factory.mktemp("made")
    cloud = process.start(folder, owner=os.getpid())
    try:
        fill(cloud)
        worlds.save(cloud, folder / "filled.world")
    finally:
        process.stop(cloud)
    return folder / "filled.world"


def start_loaded(world: Path, state: Path) -> Scene:
    cloud = process.start(state, owner=os.getpid())
    worlds.load(cloud, world)
    work(cloud)
    return Scene(cloud, state)


def down(scene: Scene) -> None:
    """What ``drillbook cloud down`` does."""
    if found := process.find(scene.state):
        process.stop(found)
    else:
        process.clear(scene.state)


def assert_nothing_is_left(scene: Scene, temporary: Path) -> None:
    wait_for("the end of every process", lambda: not scene.alive(), timeout=15, clock=clock)
    assert [path.name for path in temporary.glob("drillbook-*")] == []
    assert not (scene.state / "cloud.json").exists()
    address = urlsplit(scene.cloud.endpoint)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address.hostname, address.port))


def kill_and_go_down(world: Path, state: Path, temporary: Path, dice: random.Random) -> None:
    scene = start_loaded(world, state)
    pids = sorted(scene.members)
    assert len(pids) >= 3, "a cloud, and sandboxes of two functions"
    victims = dice.sample(pids, dice.randint(1, min(4, len(pids))))
    scene.kill(victims)
    with suppress(BotoCoreError, ClientError, AssertionError, KeyError):
        if dice.random() < 0.5 and process.find(scene.state):
            work(scene.cloud)  # what died may be started again meanwhile
    down(scene)
    assert_nothing_is_left(scene, temporary)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1))
def test_nothing_is_left_after_random_kills(
    world: Path, tmp_path: Path, own_temporary_directory: Path, seed: int
) -> None:
    kill_and_go_down(world, tmp_path / "state", own_temporary_directory, random.Random(seed))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_left_after_fifty_random_kills(world: Path, tmp_path: Path, own_temporary_directory: Path) -> None:
    for seed in range(100, 150):
        kill_and_go_down(world, tmp_path / "state", own_temporary_directory, random.Random(seed))


def test_nothing_is_left_after_the_cloud_alone_was_killed(
    world: Path, tmp_path: Path, own_temporary_directory: Path
) -> None:
    scene = start_loaded(world, tmp_path / "state")
    scene.kill([scene.cloud.pid])
    wait_for("the end of its children", lambda: not scene.alive(), timeout=15, clock=clock)
    down(scene)
    assert_nothing_is_left(scene, own_temporary_directory)


@pytest.mark.slow
def test_another_state_directory_sweeps_what_a_killed_cloud_left(tmp_path: Path, own_temporary_directory: Path) -> None:
    killed = Scene(process.start(tmp_path / "one", owner=os.getpid()), tmp_path / "one")
    killed.kill([killed.cloud.pid])
    wait_for("its end", lambda: not killed.alive(), timeout=15, clock=clock)
    assert len(list(own_temporary_directory.glob("drillbook-*"))) == 1
    other = process.start(tmp_path / "other", owner=os.getpid())
    assert len(list(own_temporary_directory.glob("drillbook-*"))) == 1
    process.stop(other)
    assert list(own_temporary_directory.glob("drillbook-*")) == []


def test_a_living_clouds_directory_is_not_swept(tmp_path: Path, own_temporary_directory: Path) -> None:
    cloud = process.start(tmp_path / "one", owner=os.getpid())
    assert sweep.sweep() == []
    assert len(list(own_temporary_directory.glob("drillbook-*"))) == 1
    process.stop(cloud)


def test_a_stopped_process_in_a_dead_clouds_directory_is_ended(own_temporary_directory: Path) -> None:
    """A frozen process gets no signal but SIGKILL, and hears of no closed pipe."""
    folder = sweep.claim()
    (folder / "owner.json").write_text(json.dumps({"pid": os.getpid(), "birth": "another life"}))
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], cwd=folder)
    wait_for("its start", lambda: Path(f"/proc/{left.pid}/cwd").exists(), timeout=5, clock=clock)
    left.send_signal(signal.SIGSTOP)
    assert sweep.sweep() == [folder.name]
    assert left.wait(10) == -signal.SIGKILL
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_directory_in_which_somebody_tidies_up_is_removed_nevertheless(own_temporary_directory: Path) -> None:
    """A worker of the cloud that takes a broken standby away while the cloud ends."""
    folder = sweep.claim()
    rooms = [folder / "pg" / str(number) for number in range(5000)]
    for room in rooms:
        room.mkdir(parents=True)

    def tidy_up() -> None:
        for room in rooms:
            shutil.rmtree(room, ignore_errors=True)

    with ThreadPoolExecutor() as pool:
        tidied = pool.submit(tidy_up)
        sweep.remove(folder)
        tidied.result()
    assert not folder.exists()


@pytest.mark.parametrize("record", [None, "", "{}", '{"pid": "x", "birth": ""}'])
def test_without_a_record_the_pid_in_the_name_tells_the_owner(
    own_temporary_directory: Path, record: str | None
) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    dead, living = (own_temporary_directory / f"{sweep.SCRATCH}{pid}-x" for pid in (gone.pid, os.getpid()))
    for folder in (dead, living):
        folder.mkdir()
        if record is not None:
            (folder / "owner.json").write_text(record)
    assert sweep.sweep() == [dead.name]
    assert living.exists()


def test_a_link_that_looks_like_a_clouds_directory_is_left_alone(own_temporary_directory: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (own_temporary_directory / f"{sweep.SCRATCH}1-x").symlink_to(tmp_path / "precious")
    assert sweep.sweep() == []
    assert (tmp_path / "precious").exists()


def test_a_directory_too_deep_for_a_socket_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 40)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    claimed = sweep.claim()
    assert claimed.parent == Path("/tmp")
    (claimed / "owner.json").unlink()
    claimed.rmdir()
