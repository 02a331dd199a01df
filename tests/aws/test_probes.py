from __future__ import annotations

from typing import Any

import pytest

from drillbook import configuration
from drillbook.aws.probes.alarm import AlarmProbe, AlarmProbeSettings
from drillbook.aws.probes.function import Variables, VariablesSettings
from drillbook.aws.probes.table import describe_configuration
from drillbook.aws.session import Session, session_of
from drillbook.clock import SystemClock
from drillbook.errors import PermanentError, ProbeError
from drillbook.world import World

from .functions import make_function, package


def alarm(world: World, name: str, **dimensions: str) -> AlarmProbe:
    session_of(world).client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace="Test", MetricName="Failures", Statistic="Sum", Period=3600, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
    )  # fmt: skip
    return AlarmProbe(world, AlarmProbeSettings(alarm=name))


@pytest.mark.parametrize(("state", "ok"), [("OK", True), ("ALARM", False), ("INSUFFICIENT_DATA", None)])
def test_an_alarm_is_read_as_ok_not_ok_or_unknown(world: World, name: str, state: str, ok: bool | None) -> None:
    probe = alarm(world, name)
    session_of(world).client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
    reading = probe.read()
    assert (reading.ok, reading.value) == (ok, state)


def test_an_alarm_that_does_not_exist_breaks_the_probe(world: World, name: str) -> None:
    with pytest.raises(ProbeError, match=f"there is no alarm {name}"):
        AlarmProbe(world, AlarmProbeSettings(alarm=name)).read()


def test_an_alarm_that_nobody_answers_for_is_unknown(world: World) -> None:
    world.aws = Session("111122223333", "af-south-1", "http://127.0.0.1:9", clock=SystemClock())
    reading = AlarmProbe(world, AlarmProbeSettings(alarm="any")).read()
    assert reading.ok is None
    assert "cannot be reached" in reading.value
    world.aws.close()


def test_a_function_that_lost_its_other_variables_is_told_with_their_names(world: World, name: str) -> None:
    make_function(world, name, package("well"), TABLE="t", LEVEL="INFO", KEY="example")
    probe = Variables(world, VariablesSettings(functions=(name,), variables=("TABLE", "LEVEL", "KEY")))
    assert probe.read().ok is True
    functions = session_of(world).client("lambda")
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"TABLE": "restored"}})
    reading = probe.read()
    assert (reading.ok, reading.value) == (False, f"{name} lacks LEVEL, KEY")


def test_a_function_that_does_not_exist_breaks_no_promise_unseen(world: World, name: str) -> None:
    with pytest.raises(PermanentError, match="ResourceNotFound"):
        Variables(world, VariablesSettings(functions=(name,), variables=("TABLE",))).read()


def test_a_table_is_described_without_its_name(world: World, table: str, dynamodb: Any) -> None:
    alarm(world, f"{table}-throttled", TableName=table)
    described = describe_configuration(session_of(world), table)
    assert described["keys"] == ["id S HASH"]
    assert described["billing"] == "PAY_PER_REQUEST"
    assert described["stream"] == "NEW_AND_OLD_IMAGES"
    assert described["time to live"] == "expires_at"
    assert described["point-in-time recovery"] is True
    assert described["tags"] == {"chaos": "allowed"}
    assert described["deletion protection"] is False
    assert len(described["alarms"]) == 1
    assert table not in str(described)


def test_what_a_drill_tags_is_no_configuration(world: World, table: str, dynamodb: Any) -> None:
    before = describe_configuration(session_of(world), table)
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "drillbook-run", "Value": "r1"}])
    assert describe_configuration(session_of(world), table) == before


@pytest.mark.parametrize("lost", ["time to live", "point-in-time recovery", "stream", "tags", "deletion protection"])
def test_each_setting_that_differs_is_seen(world: World, table: str, dynamodb: Any, lost: str) -> None:
    before = describe_configuration(session_of(world), table)
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    if lost == "time to live":
        specification = {"Enabled": False, "AttributeName": "expires_at"}
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    elif lost == "point-in-time recovery":
        off = {"PointInTimeRecoveryEnabled": False}
        dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    elif lost == "stream":
        dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    elif lost == "tags":
        dynamodb.untag_resource(ResourceArn=arn, TagKeys=["chaos"])
    else:
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    after = describe_configuration(session_of(world), table)
    assert [name for name in before if before[name] != after[name]] == [lost]
    assert configuration.diff(before, after, [])
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)


def test_a_table_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(PermanentError, match="could not read the configuration of the table absent"):
        describe_configuration(session_of(world), "absent")


def test_provisioned_capacity_and_its_scaling_are_described(world: World, name: str, dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("id", "kind")],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }
        ],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    )
    session_of(world).client("application-autoscaling").register_scalable_target(
        ServiceNamespace="dynamodb", ResourceId=f"table/{name}",
        ScalableDimension="dynamodb:table:ReadCapacityUnits", MinCapacity=5, MaxCapacity=50,
    )  # fmt: skip
    described = describe_configuration(session_of(world), name)
    assert described["throughput"] == {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    assert described["global indexes"]["by-kind"]["keys"] == ["kind S HASH"]
    assert [target["MaxCapacity"] for target in described["auto scaling"]] == [50]
