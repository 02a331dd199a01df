from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from drillbook.aws import tags
from drillbook.aws.faults.table import CorruptItems, CorruptItemsSettings
from drillbook.aws.fingerprint import fingerprint
from drillbook.aws.items import Item
from drillbook.aws.probes.table import describe_configuration
from drillbook.aws.recovery import carry_over, code, concurrency, environment, evidence, point_in_time
from drillbook.aws.session import session_of
from drillbook.errors import JournalError, PermanentError, WaitTimeout
from drillbook.events import EventStream
from drillbook.heal import HealResult, heal
from drillbook.world import World

from .conftest import items_of
from .functions import answer_of, make_artifact, make_function, package


def healed(world: World) -> HealResult:
    assert world.journal is not None
    return heal(world.journal, lambda entry: world, world.clock, EventStream(world.clock), force=True)


def changes(world: World) -> int:
    assert world.journal is not None
    return len(world.journal.entries(world.run_id))


def is_corrupt(item: Item) -> bool:
    return "N" not in item["price"]


def let_a_second_begin(world: World) -> None:
    world.clock.sleep(1.15 - world.clock.now().microsecond / 1e6)


# -- functions --------------------------------------------------------------------------------------------------------


def test_a_stopped_function_is_resumed_as_it_was(world: World, name: str) -> None:
    make_function(world, name, package("good"))
    session_of(world).client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=7)
    concurrency.stop(world, name)
    concurrency.stop(world, name)
    assert concurrency.reserved(world, name) == 0
    assert concurrency.is_stopped_by_us(world, name)
    concurrency.resume(world, name)
    concurrency.resume(world, name)
    assert concurrency.reserved(world, name) == 7
    assert changes(world) == 2
    assert healed(world).ok
    assert concurrency.reserved(world, name) == 7


def test_heal_lets_a_stopped_function_run_again(world: World, name: str) -> None:
    make_function(world, name, package("good"))
    concurrency.stop(world, name)
    assert healed(world).as_json()["restored"] == 1
    assert concurrency.reserved(world, name) is None
    assert answer_of(world, name) == ('"good"', "")


def test_a_function_that_somebody_else_stopped_stays_stopped(world: World, name: str) -> None:
    make_function(world, name, package("good"))
    session_of(world).client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    concurrency.stop(world, name)
    concurrency.resume(world, name)
    assert concurrency.reserved(world, name) == 0
    assert changes(world) == 0


def test_repointing_keeps_every_other_variable_and_heal_takes_it_back(world: World, name: str) -> None:
    make_function(world, name, package("good"), TABLE="old", API_KEY="hush-hush", LEVEL="INFO")
    environment.set_variable(world, name, "TABLE", "new")
    environment.set_variable(world, name, "TABLE", "new")
    read = session_of(world).client("lambda").get_function_configuration
    assert read(FunctionName=name)["Environment"]["Variables"] == {
        "TABLE": "new", "API_KEY": "hush-hush", "LEVEL": "INFO",
    }  # fmt: skip
    assert changes(world) == 1
    assert healed(world).ok
    assert environment.variable(world, name, "TABLE") == "old"
    assert environment.variable(world, name, "API_KEY") == "hush-hush"


def test_a_variable_that_was_not_there_is_removed_again(world: World, name: str) -> None:
    make_function(world, name, package("good"), LEVEL="INFO")
    environment.set_variable(world, name, "TABLE", "new")
    assert healed(world).ok
    assert environment.variable(world, name, "TABLE") is None
    assert environment.variable(world, name, "LEVEL") == "INFO"


def test_no_secret_of_the_environment_reaches_the_journal(world: World, name: str) -> None:
    make_function(world, name, package("good"), TABLE="old", API_KEY="hush-hush")
    environment.set_variable(world, name, "TABLE", "new")
    assert world.journal is not None
    world.journal.close()
    assert all(b"hush-hush" not in file.read_bytes() for file in world.workdir.glob("journal*"))


def test_an_environment_that_cannot_be_decrypted_is_not_overwritten(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_function(world, name, package("good"), API_KEY="hush-hush")
    functions = session_of(world).client("lambda")
    seen = functions.get_function_configuration(FunctionName=name)
    seen["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt"}}
    monkeypatch.setattr(functions, "get_function_configuration", lambda **_: seen)
    with pytest.raises(PermanentError, match="cannot be read: no kms:Decrypt"):
        environment.set_variable(world, name, "TABLE", "new")


def test_a_deployment_by_somebody_else_in_between_is_not_undone(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_function(world, name, package("good"), TABLE="old")
    functions = session_of(world).client("lambda")
    read, update = functions.get_function_configuration, functions.update_function_configuration
    sent: list[dict[str, Any]] = []

    def contested(**arguments: Any) -> Any:
        sent.append(arguments)
        if len(sent) == 1:
            update(FunctionName=name, Environment={"Variables": {"TABLE": "old", "ADDED": "meanwhile"}})
            raise functions.exceptions.PreconditionFailedException(
                {"Error": {"Code": "PreconditionFailedException", "Message": "changed"}}, "UpdateFunctionConfiguration"
            )
        assert arguments.pop("RevisionId") == "r1"
        return update(**arguments)

    monkeypatch.setattr(functions, "update_function_configuration", contested)
    monkeypatch.setattr(functions, "get_function_configuration", lambda **of: {**read(**of), "RevisionId": "r1"})
    environment.set_variable(world, name, "TABLE", "new")
    assert len(sent) == 2
    assert environment.variable(world, name, "ADDED") == "meanwhile"
    assert environment.variable(world, name, "TABLE") == "new"


def test_code_is_rolled_back_once_and_heal_brings_back_a_kept_package(world: World, name: str) -> None:
    artifact = make_artifact(world, name, "good")
    s3 = session_of(world).client("s3")
    s3.put_object(Bucket=name, Key="previous.zip", Body=package("previous"))
    make_function(world, name, package("good"))
    for _ in range(2):
        code.deploy(world, name, f"{name}/previous.zip", current=artifact)
    assert changes(world) == 1
    assert answer_of(world, name) == ('"previous"', "")
    assert code.runs(world, name, f"{name}/previous.zip")
    assert healed(world).ok
    assert answer_of(world, name) == ('"good"', "")


def test_a_bad_deployment_is_not_brought_back_by_heal(world: World, name: str) -> None:
    artifact = make_artifact(world, name, "good")
    make_function(world, name, package("bad"))
    code.deploy(world, name, artifact, current=artifact)
    assert healed(world).ok
    assert answer_of(world, name) == ('"good"', "")


def test_recovery_without_a_journal_changes_nothing(world: World, name: str) -> None:
    make_function(world, name, package("good"), TABLE="old")
    world.journal = None
    with pytest.raises(JournalError, match="has no journal"):
        environment.set_variable(world, name, "TABLE", "new")
    assert environment.variable(world, name, "TABLE") == "old"


# -- tables -----------------------------------------------------------------------------------------------------------


def test_the_evidence_names_the_second_before_the_corruption(world: World, table: str, dynamodb: Any) -> None:
    let_a_second_begin(world)
    before_fault = world.clock.now()
    fault = CorruptItems(
        world,
        CorruptItemsSettings.model_validate(
            {"table": table, "attribute": "price", "corrupt": "30 %", "delete": "10 %"}
        ),
    )
    fault.apply(fault.capture())
    found = evidence.gather(world, table, is_corrupt)
    assert before_fault - timedelta(seconds=1) <= found.began <= world.clock.now()
    assert found.began - timedelta(seconds=2) <= found.restore_to < found.began
    assert found.restore_to.microsecond == 0
    assert found.corrupt == 12
    assert found.fewest <= 4 <= found.most


def test_an_earlier_corruption_that_was_repaired_is_no_evidence(world: World, table: str, dynamodb: Any) -> None:
    settings = {"table": table, "attribute": "price", "corrupt": "30 %", "delete": "10 %"}
    fault = CorruptItems(world, CorruptItemsSettings.model_validate(settings))
    before = fault.capture()
    fault.apply(before)
    fault.restore(before)
    with pytest.raises(PermanentError, match="left an item corrupt"):
        evidence.gather(world, table, is_corrupt)
    let_a_second_begin(world)
    again = world.clock.now()
    fault.apply(before)
    assert evidence.gather(world, table, is_corrupt).began >= again - timedelta(seconds=1)


def test_a_table_without_evidence_is_an_error(world: World, table: str) -> None:
    with pytest.raises(PermanentError, match="none of the 40 changes"):
        evidence.gather(world, table, is_corrupt)


def test_a_table_without_a_stream_is_an_error(world: World, table: str, dynamodb: Any) -> None:
    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    with pytest.raises(PermanentError, match="has no stream with new images"):
        evidence.gather(world, table, is_corrupt)


def restored(world: World, table: str) -> str:
    target = f"{table}-restored"
    let_a_second_begin(world)
    at = world.clock.now().replace(microsecond=0)
    point_in_time.wait_until_restorable(world, table, at, timeout=20)
    point_in_time.restore(world, table, target, at)
    point_in_time.wait_until_active(world, target, timeout=20)
    point_in_time.restore(world, table, target, at)
    return target


def test_a_table_is_restored_once_with_its_settings_and_heal_leaves_nothing(
    world: World, table: str, dynamodb: Any
) -> None:
    session_of(world).client("cloudwatch").put_metric_alarm(
        AlarmName=f"{table}-throttled", Namespace="AWS/DynamoDB", MetricName="ThrottledRequests", Statistic="Sum",
        Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
        Dimensions=[{"Name": "TableName", "Value": table}],
    )  # fmt: skip
    whole = items_of(dynamodb, table)
    before = fingerprint(session_of(world))
    target = restored(world, table)
    assert items_of(dynamodb, target) == whole
    for _ in range(2):
        carry_over.carry_over(world, table, target)
    session = session_of(world)
    assert describe_configuration(session, target) == describe_configuration(session, table)
    assert tags.tagged(session, "drillbook-run", world.run_id) == [
        f"arn:aws:dynamodb:af-south-1:111122223333:table/{target}"
    ]
    assert changes(world) == 2
    assert healed(world).ok
    assert fingerprint(session) == before
    assert tags.tagged(session, "drillbook-run", world.run_id) == []


def test_a_restore_drops_settings_which_is_why_they_are_carried_over(world: World, table: str) -> None:
    target = restored(world, table)
    session = session_of(world)
    source_settings, target_settings = (describe_configuration(session, each) for each in (table, target))
    lost = {name for name in source_settings if source_settings[name] != target_settings[name]}
    assert lost >= {"stream", "time to live", "point-in-time recovery", "tags"}


def test_a_protected_restored_table_is_deleted_by_heal_all_the_same(world: World, table: str, dynamodb: Any) -> None:
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    target = restored(world, table)
    carry_over.carry_over(world, table, target)
    assert dynamodb.describe_table(TableName=target)["Table"]["DeletionProtectionEnabled"]
    assert healed(world).ok
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.describe_table(TableName=target)
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)


def test_a_strangers_table_of_that_name_is_neither_adopted_nor_deleted(world: World, table: str, dynamodb: Any) -> None:
    at = world.clock.now()
    change = point_in_time.RestoredTable(
        world, point_in_time.RestoredTableSettings(source="another-source", target=table, at=at)
    )
    with pytest.raises(PermanentError, match="was not restored from another-source"):
        change.apply({"existed": True})
    with pytest.raises(PermanentError, match="was not restored from another-source"):
        change.restore({"existed": False})
    assert len(items_of(dynamodb, table)) == 40


def test_a_moment_before_the_window_can_never_be_restored(world: World, table: str) -> None:
    with pytest.raises(PermanentError, match="the beginning of what can be restored") as error:
        point_in_time.wait_until_restorable(world, table, world.clock.now() - timedelta(days=2), timeout=5)
    assert error.value.code == "InvalidRestoreTimeException"


def test_a_moment_in_the_future_is_waited_for_no_longer_than_allowed(world: World, table: str) -> None:
    with pytest.raises(WaitTimeout, match="becoming restorable"):
        point_in_time.wait_until_restorable(world, table, world.clock.now() + timedelta(hours=1), timeout=0.2)


def test_a_table_without_recovery_is_an_error(world: World, table: str, dynamodb: Any) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    with pytest.raises(PermanentError, match="is off"):
        point_in_time.wait_until_restorable(world, table, world.clock.now(), timeout=5)
