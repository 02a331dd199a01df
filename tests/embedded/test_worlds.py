"""A prepared world, saved in one file and loaded into another cloud."""

from __future__ import annotations

import io
import json
import os
import resource
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore.config import Config

from drillbook.clock import SystemClock
from drillbook.embedded import process, world_file, world_pickle, world_stamp, worlds
from drillbook.embedded.domains import Failures
from drillbook.embedded.process import Cloud
from drillbook.embedded.world_stamp import Stamp
from drillbook.errors import TargetError, UsageError
from drillbook.waiting import wait_for

PASSWORD = "a-password"
HOME, AWAY, THIRD = "us-east-1", "us-west-2", "eu-west-1"
clock = SystemClock()

Client = Callable[..., Any]


def client_of(cloud: Cloud, service: str, region: str = HOME) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(service, region_name=region, endpoint_url=cloud.endpoint, config=config, **keys)


def fill(cloud: Cloud) -> None:
    """Three regions, five tables, ten functions, an API, a bucket, an alarm, a key."""
    for region, count in ((HOME, 3), (AWAY, 1), (THIRD, 1)):
        for number in range(count):
            a_table(client_of(cloud, "dynamodb", region), f"table-{number}")
    client_of(cloud, "iam").create_role(RoleName="any-role", AssumeRolePolicyDocument="{}")
    for region, count in ((HOME, 6), (AWAY, 4)):
        for number in range(count):
            a_function(client_of(cloud, "lambda", region), f"function-{number}")
    an_api(cloud)
    s3 = client_of(cloud, "s3")
    s3.create_bucket(Bucket="papers")
    s3.put_bucket_versioning(Bucket="papers", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket="papers", Key="note", Body=body)
    databases(cloud)
    client_of(cloud, "ssm").put_parameter(Name="/setting", Value="on", Type="String")


def a_table(dynamodb: Any, name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
    )
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for number in range(20):
        dynamodb.put_item(TableName=name, Item={"key": {"S": str(number)}})


def a_function(functions: Any, name: str) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def answer(event, context): return {'statusCode': 200, 'body': 'hello'}")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="main.answer",
        Role="arn:aws:iam::111122223333:role/any-role",
        Code={"ZipFile": code.getvalue()},
    )
    functions.publish_version(FunctionName=name)


def databases(cloud: Cloud) -> None:
    """A Multi-AZ instance with rows and a snapshot, and its read replica in another region."""
    here, there = client_of(cloud, "rds"), client_of(cloud, "rds", AWAY)
    here.create_db_instance(
        DBInstanceIdentifier="orders",
        DBName="orders",
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="orders",
        MasterUserPassword=PASSWORD,
        MultiAZ=True,
    )
    await_database(here, "orders")
    query(here, "orders", "create table lines (id int primary key)")
    query(here, "orders", "insert into lines select generate_series(1, 1000)")
    here.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier="a-thousand")
    here.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="a-thousand", WaiterConfig={"Delay": 1})
    arn = here.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]["DBInstanceArn"]
    there.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier=arn)
    await_database(there, "copy")


def await_database(rds: Any, name: str) -> None:
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 1})


def query(rds: Any, name: str, sql: str) -> list[Any]:
    endpoint = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["Endpoint"]
    login = {"user": "orders", "password": PASSWORD, "dbname": "orders", "connect_timeout": 5}
    with psycopg.connect(host=endpoint["Address"], port=endpoint["Port"], autocommit=True, **login) as connection:
        answer = connection.execute(sql)
        return answer.fetchall() if answer.description else []


def an_api(cloud: Cloud) -> None:
    gateway = client_of(cloud, "apigateway")
    api = gateway.create_rest_api(name="hello")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    where = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    function = "arn:aws:lambda:us-east-1:111122223333:function:function-0"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="live")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cloud]]:
    started: list[Cloud] = []

    def one(speed: float = 100) -> Cloud:
        started.append(process.start(tmp_path_factory.mktemp("state"), owner=os.getpid(), speed=speed))
        return started[-1]

    yield one
    for cloud in started:
        process.stop(cloud)


@pytest.fixture(scope="module")
def source(start: Callable[..., Cloud]) -> Cloud:
    cloud = start()
    fill(cloud)
    return cloud


@pytest.fixture(scope="module")
def world(source: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("worlds") / "prepared.world"
    worlds.save(source, file)
    return file


@pytest.fixture(scope="module")
def twin(start: Callable[..., Cloud], world: Path) -> Cloud:
    cloud = start()
    worlds.load(cloud, world)
    return cloud


def test_items_and_their_history_are_there_again(twin: Cloud) -> None:
    dynamodb = client_of(twin, "dynamodb")
    assert dynamodb.scan(TableName="table-0")["Count"] == 20
    window = dynamodb.describe_continuous_backups(TableName="table-0")["ContinuousBackupsDescription"]
    earliest = window["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"]
    dynamodb.put_item(TableName="table-0", Item={"key": {"S": "later"}})
    dynamodb.restore_table_to_point_in_time(
        SourceTableName="table-0", TargetTableName="as-it-began", RestoreDateTime=earliest
    )
    dynamodb.get_waiter("table_exists").wait(TableName="as-it-began")
    assert dynamodb.scan(TableName="as-it-began")["Count"] < 21


def test_functions_run_and_version_numbers_go_on(twin: Cloud) -> None:
    functions = client_of(twin, "lambda", AWAY)
    assert json.load(functions.invoke(FunctionName="function-3", Qualifier="1")["Payload"])["body"] == "hello"
    functions.update_function_configuration(FunctionName="function-3", Description="changed")
    assert functions.publish_version(FunctionName="function-3")["Version"] == "2"


def test_a_deployed_api_answers(twin: Cloud) -> None:
    import urllib.request

    api = client_of(twin, "apigateway").get_rest_apis()["items"][0]["id"]
    with urllib.request.urlopen(f"{twin.endpoint}/_aws/execute-api/{api}/live/") as answer:
        assert answer.read() == b"hello"


def test_old_versions_of_objects_are_kept(twin: Cloud) -> None:
    s3 = client_of(twin, "s3")
    versions = s3.list_object_versions(Bucket="papers")["Versions"]
    bodies = [s3.get_object(Bucket="papers", Key="note", VersionId=one["VersionId"])["Body"].read() for one in versions]
    assert bodies == [b"second", b"first"]


def test_a_database_has_its_rows_and_its_standby(twin: Cloud) -> None:
    here = client_of(twin, "rds")
    assert query(here, "orders", "select count(*) from lines where id <= 1000") == [(1000,)]
    assert here.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]["MultiAZ"] is True
    query(here, "orders", "insert into lines values (2000)")
    here.reboot_db_instance(DBInstanceIdentifier="orders", ForceFailover=True)
    await_database(here, "orders")
    assert query(here, "orders", "select count(*) from lines where id = 2000") == [(1,)]


def test_a_read_replica_goes_on_following(twin: Cloud) -> None:
    query(client_of(twin, "rds"), "orders", "insert into lines values (3000)")
    there = client_of(twin, "rds", AWAY)
    sql = "select count(*) from lines where id = 3000"
    wait_for("the row", lambda: query(there, "copy", sql) == [(1,)], timeout=15, clock=clock)


def test_snapshots_and_points_in_time_can_be_restored(twin: Cloud) -> None:
    here = client_of(twin, "rds")
    here.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="from-snapshot", DBSnapshotIdentifier="a-thousand")
    here.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="orders", TargetDBInstanceIdentifier="from-log", UseLatestRestorableTime=True
    )
    for name in ("from-snapshot", "from-log"):
        await_database(here, name)
        assert query(here, name, "select count(*) from lines where id <= 1000") == [(1000,)]


@pytest.mark.slow
def test_a_loaded_world_that_is_saved_again_holds_what_nobody_asked_for(
    start: Callable[..., Cloud], twin: Cloud, tmp_path: Path
) -> None:
    worlds.save(twin, tmp_path / "again.world")
    third = start()
    worlds.load(third, tmp_path / "again.world")
    here = client_of(third, "rds")
    here.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="again", DBSnapshotIdentifier="a-thousand")
    await_database(here, "again")
    assert query(here, "again", "select count(*) from lines") == [(1000,)]
    here.delete_db_snapshot(DBSnapshotIdentifier="a-thousand")
    assert not here.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]


def test_the_world_that_was_saved_goes_its_own_way(source: Cloud, twin: Cloud) -> None:
    client_of(twin, "ssm").put_parameter(Name="/setting", Value="off", Type="String", Overwrite=True)
    assert client_of(source, "ssm").get_parameter(Name="/setting")["Parameter"]["Value"] == "on"


def test_what_was_broken_is_broken_again(start: Callable[..., Cloud], source: Cloud, tmp_path: Path) -> None:
    broken = Failures(regions=frozenset({THIRD}))
    process.become(source, broken)
    worlds.save(source, tmp_path / "dark.world")
    process.become(source, Failures())
    cloud = start()
    worlds.load(cloud, tmp_path / "dark.world")
    assert process.failures(cloud) == broken


def test_saving_and_loading_are_a_matter_of_moments(start: Callable[..., Cloud], source: Cloud, world: Path) -> None:
    """bench/cloud.py measures them against the goal of a second; here the machine may be busy."""
    began = clock.monotonic()
    worlds.save(source, world)
    worlds.load(start(), world)
    assert clock.monotonic() - began < 30


def test_the_file_is_for_this_user_alone(world: Path) -> None:
    assert world.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in world.parent.iterdir()] == [world.name]


def test_a_cloud_that_was_used_is_not_loaded_into(source: Cloud, world: Path) -> None:
    with pytest.raises(TargetError, match="has been used already"):
        worlds.load(source, world)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: file.unlink(), "there is no world"),
        (lambda file: file.write_bytes(b"no tar"), "not a saved world"),
        (lambda file: file.write_bytes(file.read_bytes()[:3000]), "not a whole one"),
        (lambda file: file.chmod(0o666), "somebody else"),
    ],
)
def test_a_file_that_is_no_world_is_refused_in_one_line(
    start: Callable[..., Cloud], fresh: Cloud, world: Path, tmp_path: Path, spoil: Callable[[Path], Any], told: str
) -> None:
    file = tmp_path / "spoilt.world"
    file.write_bytes(world.read_bytes())
    file.chmod(0o600)
    spoil(file)
    with pytest.raises(TargetError, match=told) as refused:
        worlds.load(fresh, file)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


@pytest.fixture(scope="module")
def fresh(start: Callable[..., Cloud]) -> Cloud:
    return start()


def test_a_world_of_another_speed_is_refused(start: Callable[..., Cloud], world: Path) -> None:
    with pytest.raises(TargetError, match=r"speed 100\.0, not 7\.0"):
        worlds.load(start(speed=7), world)


def test_every_difference_of_the_versions_is_named(world: Path) -> None:
    with world_stamp.opened(world) as file:
        said = world_stamp.said_in(file, world)
    ours = Stamp(**{name: said[name] for name in ("python", "drillbook", "moto", "account", "speed")})
    world_stamp.check(said, world, ours)
    with pytest.raises(UsageError, match=r"moto 0\.1, not .*") as refused:
        world_stamp.check(said | {"moto": "0.1", "python": "2.7"}, world, ours)
    assert "python 2.7, not" in str(refused.value)


def test_a_folder_that_is_not_there_is_told_in_one_line(source: Cloud, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"there is no folder nowhere for prepared\.world") as refused:
        worlds.save(source, tmp_path / "nowhere" / "prepared.world")
    assert "\n" not in str(refused.value)


def test_a_disk_that_is_full_leaves_the_older_file_whole(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "moto.pickle").write_bytes(bytes(200_000))
    older = tmp_path / "prepared.world"
    older.write_bytes(b"older")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            world_file._pack(tmp_path / "folder", older)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert older.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "prepared.world"]


def test_requests_wait_while_a_world_is_saved(source: Cloud, tmp_path: Path) -> None:
    stop, errors = threading.Event(), []

    def write() -> None:
        dynamodb, number = client_of(source, "dynamodb", AWAY), 0
        while not stop.is_set():
            number += 1
            try:
                dynamodb.put_item(TableName="table-0", Item={"key": {"S": f"busy-{number}"}})
            except Exception as error:  # noqa: BLE001 - any failure fails the test
                errors.append(error)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(write)
        try:
            for number in range(3):
                worlds.save(source, tmp_path / f"{number}.world")
        finally:
            stop.set()
    assert errors == []


@pytest.mark.slow
def test_a_running_function_is_waited_for_and_then_the_save_gives_up(source: Cloud, tmp_path: Path) -> None:
    functions = client_of(source, "lambda", THIRD)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "import time\ndef answer(event, context): time.sleep(20)")
    functions.create_function(
        FunctionName="sleeper",
        Runtime="python3.11",
        Handler="main.answer",
        Role="arn:aws:iam::111122223333:role/any-role",
        Code={"ZipFile": code.getvalue()},
        Timeout=5,
    )
    with ThreadPoolExecutor(1) as pool:
        pool.submit(functions.invoke, FunctionName="sleeper")
        wait_for("the sandbox", lambda: _sandboxes(source), timeout=20, clock=clock)
        with pytest.raises(TargetError, match="1 requests are under way"):
            worlds.save(source, tmp_path / "busy.world")
        assert client_of(source, "ssm").get_parameter(Name="/setting")


def _sandboxes(cloud: Cloud) -> Any:
    return process.status(cloud)["planes"]["functions"]["sandboxes"]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    import socket

    with (tmp_path / "out").open("wb") as file, socket.socket() as held, pytest.raises(TypeError, match="socket"):
        world_pickle._Writer(file, {}).dump(held)


@pytest.mark.parametrize("made", [threading.Lock(), threading.RLock(), threading.Condition(), ThreadPoolExecutor(3)])
def test_what_is_alive_is_made_anew(made: Any) -> None:
    copy = round_trip({"held": made, "again": made})
    assert type(copy["held"]) is type(made)
    assert copy["held"] is copy["again"] is not made


def test_functions_without_a_name_are_written_with_their_code() -> None:
    base = 40
    assert round_trip(lambda more: base + more)(2) == 42


def round_trip(thing: Any) -> Any:
    file = io.BytesIO()
    world_pickle._Writer(file, {}).dump(thing)
    file.seek(0)
    return world_pickle._Reader(file, {}).load()
