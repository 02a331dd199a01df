"""Faults of databases: by the journal's protocol, seen from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from drillbook import catalogue
from drillbook.aws.databases import ask_server, await_available, describe_instance
from drillbook.aws.session import session_of
from drillbook.embedded.process import Cloud
from drillbook.errors import FaultError, UsageError
from drillbook.fault import Fault
from drillbook.waiting import wait_for
from drillbook.world import World

LOGIN = {"username": "master", "password": "correct-horse-1"}


@pytest.fixture
def world(world: World, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> World:
    state = next(
        one.parent for one in tmp_path_factory.getbasetemp().glob("*/cloud.json") if cloud.id in one.read_text()
    )
    world.address = {"cloud": cloud.id, "state": str(state)}
    return world


@pytest.fixture
def rds(world: World) -> Any:
    return session_of(world).client("rds", None)


@pytest.fixture
def database(world: World, rds: Any, name: str) -> str:
    """An instance with a security group and a secret of the same name."""
    ec2 = session_of(world).client("ec2", None)
    group = ec2.create_security_group(GroupName=name, Description="of a test")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    session_of(world).client("secretsmanager", None).create_secret(Name=name, SecretString=json.dumps(LOGIN))
    create(world, rds, name, VpcSecurityGroupIds=[group])
    return name


def create(world: World, rds: Any, name: str, **more: Any) -> None:
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername=LOGIN["username"],
        MasterUserPassword=LOGIN["password"],
        BackupRetentionPeriod=0,
        **more,
    )
    await_available(rds, name, world.clock, 30)


def fault(world: World, kind: str, **settings: Any) -> Fault:
    found = catalogue.resolve("fault", kind)
    made = found(world, found.Settings.model_validate(settings))
    assert isinstance(made, Fault)
    return made


@pytest.mark.parametrize(
    "kind", ["rds.crash", "rds.hang", "rds.disk_full", "rds.security_group_revoked", "rds.credentials_changed"]
)
def test_a_fault_takes_effect_and_is_taken_back(world: World, rds: Any, database: str, kind: str) -> None:
    settings = {"database": database} | ({"secret": database} if kind == "rds.credentials_changed" else {})
    made = fault(world, kind, **settings)
    before = json.loads(json.dumps(made.capture()))
    assert "correct-horse" not in json.dumps(before)
    assert not made.observe(before)
    made.apply(before)
    assert made.observe(before)
    for _ in range(2):
        made.restore(before)
    assert made.restored(before)
    assert not made.observe(before)
    instance = describe_instance(rds, database)
    assert ask_server(instance) == "answers"
    login(instance).close()


def login(instance: dict[str, Any]) -> psycopg.Connection[Any]:
    endpoint = instance["Endpoint"]
    return psycopg.connect(
        host=endpoint["Address"],
        port=endpoint["Port"],
        user=LOGIN["username"],
        password=LOGIN["password"],
        dbname="postgres",
        autocommit=True,
    )


def test_a_full_disk_fails_the_writes_of_a_table_that_has_to_grow(world: World, rds: Any, database: str) -> None:
    made = fault(world, "rds.disk_full", database=database)
    instance = describe_instance(rds, database)
    with login(instance) as connection:
        connection.execute("create table rows as select n, repeat('x', 100) as text from generate_series(1, 500) n")
        made.apply(made.capture())
        with pytest.raises((psycopg.errors.DiskFull, psycopg.OperationalError)):
            connection.execute("insert into rows select n, repeat('x', 100) from generate_series(1, 5000) n")
    made.restore(None)
    with login(await_available(rds, database, world.clock, 30)) as connection:
        assert connection.execute("select count(*) from rows").fetchone() == (500,)


def test_the_crash_of_a_multi_az_instance_ends_in_its_failover(world: World, rds: Any, name: str) -> None:
    create(world, rds, name, MultiAZ=True)
    made = fault(world, "rds.crash", database=name)
    before = made.capture()
    made.apply(before)
    wait_for("the crash being seen", lambda: made.observe(before), timeout=10, clock=world.clock, interval=0.05)
    made.restore(before)
    assert made.restored(before)
    await_available(rds, name, world.clock, 30)


def test_a_broken_database_is_not_broken_again(world: World, database: str) -> None:
    made = fault(world, "rds.crash", database=database)
    made.apply(made.capture())
    with pytest.raises(FaultError, match="does not work as it is"):
        fault(world, "rds.hang", database=database).capture()
    made.restore(None)


def test_a_crash_is_for_the_embedded_cloud_alone(world: World, tmp_path: Path) -> None:
    world.target = "aws"
    with pytest.raises(UsageError, match="only the embedded cloud can crash a database"):
        fault(world, "rds.crash", database="any")
