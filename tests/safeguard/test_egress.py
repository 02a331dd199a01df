"""A process that drives an emulated target cannot reach AWS. Nothing here leaves the machine: the refusal comes first,
and names that would be looked up do not exist."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config

from drillbook import egress, service, targets
from drillbook.aws.egress import keep_from_aws
from drillbook.clock import SystemClock
from drillbook.egress import Guard, is_aws
from drillbook.embedded import process
from drillbook.errors import DrillBroken, Refused
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.measure.canary import Canary
from drillbook.measure.canary_settings import CanarySettings
from drillbook.world import World

ROOT = Path(__file__).parents[2]
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2)


@pytest.fixture
def guard() -> Iterator[Guard]:
    keep_from_aws(cast(World, SimpleNamespace(guard=(up := Guard()))))
    yield up
    up.lower()


@pytest.fixture(autouse=True)
def nobody_else_guards() -> Iterator[None]:
    assert not egress.is_shut(), "a test before this one left its guard up"
    yield
    assert not egress.is_shut()


@pytest.mark.parametrize(
    "host",
    [
        "dynamodb.us-east-1.amazonaws.com",
        "RDS.amazonaws.com.",
        "s3.cn-north-1.amazonaws.com.cn",
        "lambda.eu-west-1.api.aws",
        "abc.lambda-url.eu-west-1.on.aws",
        "d111111abcdef8.cloudfront.net",
        "169.254.169.254",
        "169.254.170.2",
        "[fd00:ec2::254]",
        "fd00:0ec2:0:0::254",
    ],
)
def test_where_aws_answers(host: str) -> None:
    assert is_aws(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "example.com",
        "notamazonaws.com",
        "amazonaws.com.example.com",
        "::1",
        "169.254.1.1",
        "",
    ],
)
def test_where_others_answer(host: str) -> None:
    assert not is_aws(host)


def test_a_session_made_before_the_drill_is_refused() -> None:
    early = boto3.session.Session(**KEYS, region_name="us-east-1").client("dynamodb", config=ONCE)
    world = cast(World, SimpleNamespace(guard=Guard()))
    keep_from_aws(world)
    try:
        with pytest.raises(Refused, match=r"the egress rail: a connection to dynamodb\.us-east-1\.amazonaws\.com"):
            early.list_tables()
    finally:
        world.guard.lower()


def test_a_bare_client_is_refused(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(Refused) as refused:
        boto3.client("s3", region_name="us-east-1", config=ONCE, **KEYS).list_buckets()
    assert refused.value.rail == "egress"
    assert refused.value.do


def test_a_client_without_credentials_does_not_ask_the_machine_it_runs_on(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(Refused, match=r"169\.254\.169\.254"):
        boto3.session.Session().client("sts", region_name="us-east-1", config=ONCE).get_caller_identity()


def by_http_client() -> None:
    http.client.HTTPSConnection("sts.amazonaws.com", timeout=2).request("GET", "/")


def by_urllib() -> None:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open("https://sts.amazonaws.com/", timeout=2)


def by_urllib3() -> None:
    import urllib3

    urllib3.PoolManager(retries=False, timeout=2).request("GET", "https://sts.amazonaws.com/")


def by_name() -> None:
    socket.getaddrinfo("sts.amazonaws.com", 443)


def by_address() -> None:
    with socket.socket() as probe:
        probe.settimeout(2)
        probe.connect(("169.254.169.254", 80))


def by_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.sendto(b"", ("169.254.169.254", 80))


@pytest.mark.parametrize("way", [by_http_client, by_urllib, by_urllib3, by_name, by_address, by_datagram])
def test_every_way_out_of_python_is_refused(guard: Guard, way: Callable[[], None]) -> None:
    with pytest.raises(Refused, match="egress"):
        way()


def test_a_proxy_is_not_asked_for_aws(guard: Guard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=2)
        connection.set_tunnel("sts.amazonaws.com", 443)
        with pytest.raises(Refused, match=r"sts\.amazonaws\.com"):
            connection.request("GET", "/")
        connection.close()


def test_loopback_and_other_hosts_stay_reachable(guard: Guard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        pass
    with pytest.raises(OSError, match=r"."):
        socket.getaddrinfo("drillbook.invalid", 80)


def test_the_way_is_free_when_the_last_guard_is_down() -> None:
    one, other = Guard(), Guard()
    one.raise_()
    one.raise_()
    other.raise_()
    one.lower()
    one.lower()
    assert egress.is_shut()
    other.lower()
    egress.check("sts.amazonaws.com")


def test_a_drills_world_is_guarded_until_it_is_closed(tmp_path: Path) -> None:
    clock = SystemClock()
    with Journal(tmp_path / "journal.sqlite3") as journal:
        place = targets.Place(tmp_path, "guarded", clock, EventStream(clock), journal)
        world = targets.open_world(service.load(ROOT / "drills/product-lambda/service.yaml"), "embedded", place)
        try:
            assert world.aws is not None
            assert world.aws.identity().account == "111122223333"
            with pytest.raises(Refused):
                socket.getaddrinfo("sts.amazonaws.com", 443)
        finally:
            world.close()
            world.leave()
            targets.remove_workdir(world.address)
    assert not egress.is_shut()


def test_a_canary_does_not_write_to_aws(guard: Guard, tmp_path: Path) -> None:
    door = {
        "url": "https://abc.execute-api.us-east-1.amazonaws.com",
        "write": {"method": "POST", "path": "/", "json": {"id": "{key}", "text": "v{version}"}, "ok": [200]},
        "read": {"method": "GET", "path": "/{key}", "version": "$.text", "pattern": r"v(\d+)"},
    }
    with pytest.raises(DrillBroken, match=r"refused by the egress rail") as died:
        Canary.start(door, CanarySettings("run"), tmp_path / "history")
    assert "amazonaws.com" in str(died.value)


def test_the_guard_costs_a_process_nothing_that_can_be_felt(guard: Guard) -> None:
    """It sees every audited event of Python, such as each opening of a file."""
    clock = SystemClock()
    began = clock.monotonic()
    for _ in range(100_000):
        sys.audit("drillbook.test", "nothing")
    assert clock.monotonic() - began < 2


def test_importing_the_guard_alone_changes_nothing() -> None:
    code = "import drillbook.egress as e, socket, sys; assert not e._hooked; assert 'boto3' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_function_of_the_embedded_cloud_does_not_reach_aws(tmp_path: Path) -> None:
    handler = (
        "import urllib.request as u\n"
        "def answer(event, context):\n"
        "    try: return u.urlopen(event, timeout=5).status\n"
        "    except Exception as error: return str(error)\n"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", handler)
    cloud = process.start(tmp_path, owner=os.getpid())
    try:
        there = {"region_name": "us-east-1", "endpoint_url": cloud.endpoint, "config": ONCE, **KEYS}
        boto3.client("iam", **there).create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        functions = boto3.client("lambda", **there | {"config": Config(read_timeout=30)})
        functions.create_function(
            FunctionName="leaver",
            Runtime="python3.11",
            Handler="main.answer",
            Role="arn:aws:iam::111122223333:role/any",
            Code={"ZipFile": packed.getvalue()},
            Timeout=10,
            Environment={"Variables": {"HTTP_PROXY": "http://127.0.0.1:1"}},
        )

        def answer(url: str) -> Any:
            return json.load(functions.invoke(FunctionName="leaver", Payload=json.dumps(url))["Payload"])

        assert "403 Refused by the egress rail" in answer("https://sts.amazonaws.com/")
        assert "403" in answer("http://169.254.169.254/latest/meta-data/")
        assert answer(f"{cloud.endpoint}/_drillbook/status") == 200
    finally:
        process.stop(cloud)
