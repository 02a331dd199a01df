"""More room: functions, tables, databases."""

from __future__ import annotations

from typing import Any

import pytest

from drillbook.aws.recovery import concurrency, instance_class, provisioned_concurrency, table_capacity
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.waiting import wait_for
from drillbook.world import World

from ..functions import make_function, package  # noqa: TID252 - the same functions
from .attempts import changes, healed, killed_before_it_is_recorded


def test_a_function_gets_more_concurrency_and_heal_takes_it_back(world: World, name: str) -> None:
    make_function(world, name, package("good"))
    for _ in range(2):
        concurrency.reserve(world, name, 50)
    assert concurrency.reserved(world, name) == 50
    assert changes(world) == 1
    assert healed(world).ok
    assert concurrency.reserved(world, name) is None


@pytest.fixture
def indexed(world: World, name: str) -> str:
    """A table on demand with one global index."""
    attributes = [{"AttributeName": each, "AttributeType": "S"} for each in ("id", "owner")]
    dynamodb = session_of(world).client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=attributes,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


def capacity(world: World, table: str) -> Any:
    settings = table_capacity.TableCapacitySettings(table=table, read=None, write=None)
    return table_capacity.TableCapacity(world, settings).capture()


def test_a_table_on_demand_is_provisioned_with_its_indexes_and_put_back(world: World, indexed: str) -> None:
    for _ in range(2):
        table_capacity.provision(world, indexed, 10, 5)
    assert capacity(world, indexed) == {"": [10, 5], "by-owner": [10, 5]}
    assert changes(world) == 1
    table_capacity.provision(world, indexed, 20, 5)
    assert capacity(world, indexed) == {"": [20, 5], "by-owner": [20, 5]}
    assert healed(world).ok
    assert capacity(world, indexed) is None


@pytest.mark.slow
def test_a_throttled_table_is_put_on_demand_and_gets_its_units_back(
    world: World, indexed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_capacity.provision(world, indexed, 10, 5)
    assert world.journal is not None
    with killed_before_it_is_recorded(monkeypatch):
        table_capacity.put_on_demand(world, indexed)
    table_capacity.put_on_demand(world, indexed)
    assert capacity(world, indexed) is None
    assert changes(world) == 2
    table_capacity.provision(world, indexed, 10, 5)
    assert capacity(world, indexed) == {"": [10, 5], "by-owner": [10, 5]}


def test_what_is_not_there_gets_no_room(world: World, name: str) -> None:
    calls = {
        "ResourceNotFoundException": lambda: table_capacity.provision(world, name, 1, 1),
        "DBInstanceNotFound": lambda: instance_class.resize(world, name, "db.r6g.large"),
    }
    for code, call in calls.items():
        with pytest.raises(PermanentError) as error:
            call()
        assert error.value.code.startswith(code)
    assert changes(world) == 0


@pytest.mark.slow
def test_a_database_gets_a_larger_class_at_once_and_heal_takes_it_back(world: World, name: str) -> None:
    rds = session_of(world).client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t4g.micro", Engine="postgres", AllocatedStorage=20,
        MasterUsername="owner", MasterUserPassword="correct-horse-1",
    )  # fmt: skip

    def found() -> tuple[str, str]:
        (instance,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        return instance["DBInstanceStatus"], instance["DBInstanceClass"]

    wait_for("the database", found, until=lambda it: it[0] == "available", timeout=120, clock=world.clock)
    for _ in range(2):
        instance_class.resize(world, name, "db.r6g.large")
    assert found() == ("available", "db.r6g.large")
    assert changes(world) == 1
    assert healed(world).ok
    assert found() == ("available", "db.t4g.micro")
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


class Functions:
    """Lambda's provisioned concurrency, which the embedded cloud does not have."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, client: Any, status: str = "READY") -> None:
        self.ready: int | None = None
        self.looks = 0
        self._client, self._status = client, status
        for name in ("get", "put", "delete"):
            monkeypatch.setattr(client, f"{name}_provisioned_concurrency_config", getattr(self, name))

    def get(self, **_: str) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        if self.ready is None:
            raise ClientError({"Error": {"Code": "ProvisionedConcurrencyConfigNotFoundException"}}, "Get")
        self.looks += 1
        status = "IN_PROGRESS" if self.looks < 3 else self._status
        return {"RequestedProvisionedConcurrentExecutions": self.ready, "Status": status, "StatusReason": "no room"}

    def put(self, *, ProvisionedConcurrentExecutions: int, **_: str) -> None:  # noqa: N803 - AWS's name
        self.ready, self.looks = ProvisionedConcurrentExecutions, 0

    def delete(self, **_: str) -> None:
        self.ready = None


def test_executions_are_kept_ready_until_heal(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = Functions(monkeypatch, session_of(world).client("lambda"))
    for _ in range(2):
        provisioned_concurrency.keep_ready(world, name, "live", 20)
    assert functions.ready == 20
    assert functions.looks >= 3, "it is waited for"
    assert changes(world) == 1
    assert healed(world).ok
    assert functions.ready is None


@pytest.mark.slow
def test_executions_that_cannot_be_kept_ready_say_why(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Functions(monkeypatch, session_of(world).client("lambda"), status="FAILED")
    with pytest.raises(PermanentError, match="no room"):
        provisioned_concurrency.keep_ready(world, name, "live", 20)
    assert healed(world).ok
