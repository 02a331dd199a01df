"""The plane inside this process, with a clock that only the test moves: no HTTP, no waiting."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends

from drillbook.clock import VirtualClock
from drillbook.embedded.dynamodb.backend import TimeTravelBackend
from drillbook.embedded.dynamodb.expiry import expire_everywhere
from drillbook.embedded.dynamodb.plane import DynamoDB
from drillbook.embedded.planes import CloudState

ACCOUNT, REGION, TABLE = "111122223333", "eu-west-1", "products"
State = dict[str, str]


@contextmanager
def in_process(clock: VirtualClock) -> Iterator[TimeTravelBackend]:
    plane = DynamoDB()
    plane.install(CloudState(ACCOUNT, "http://127.0.0.1:1", 1.0, clock, Path("unused")))
    try:
        backend = dynamodb_backends[ACCOUNT][REGION]
        assert isinstance(backend, TimeTravelBackend)
        yield backend
    finally:
        plane.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def backend(clock: VirtualClock) -> Iterator[TimeTravelBackend]:
    with in_process(clock) as plane:
        make_table(plane)
        yield plane


def make_table(backend: TimeTravelBackend, *, ranged: bool = False, recovery: bool = True, **more: Any) -> None:
    schema = [{"AttributeName": "id", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "id", "AttributeType": "S"}]
    if ranged:
        schema.append({"AttributeName": "part", "KeyType": "RANGE"})
        attributes.append({"AttributeName": "part", "AttributeType": "S"})
    settings = {"streams": None, "billing_mode": "PAY_PER_REQUEST", "tags": []} | more
    backend.create_table(
        TABLE,
        schema=schema,
        attr=attributes,
        throughput=None,
        global_indexes=None,
        indexes=None,
        sse_specification=None,
        deletion_protection_enabled=False,
        warm_throughput=None,
        **settings,
    )
    if recovery:
        backend.update_continuous_backups(TABLE, {"PointInTimeRecoveryEnabled": True})


class Writer:
    """Writes by every API that there is, to a table with or without a range key."""

    def __init__(self, backend: TimeTravelBackend, *, ranged: bool) -> None:
        self.backend, self.ranged = backend, ranged

    def key(self, name: str) -> dict[str, Any]:
        return {"id": {"S": name[0]}, "part": {"S": name[1]}} if self.ranged else {"id": {"S": name}}

    def item(self, name: str, value: str) -> dict[str, Any]:
        return self.key(name) | {"value": {"M": {"is": {"S": value}}}}

    def put(self, name: str, value: str) -> None:
        self.backend.put_item(TABLE, self.item(name, value))

    def update(self, name: str, value: str) -> None:
        self.backend.update_item(
            TABLE, self.key(name), "SET #v = :v", {"#v": "value"}, {":v": {"M": {"is": {"S": value}}}}
        )

    def update_nested(self, name: str, value: str) -> None:
        with suppress(JsonRESTError):  # The path exists only in an item that has the attribute.
            self.backend.update_item(
                TABLE, self.key(name), "SET #v.#i = :v", {"#v": "value", "#i": "is"}, {":v": {"S": value}}
            )

    def update_in_vain(self, name: str, value: str) -> None:
        with pytest.raises(JsonRESTError):
            self.backend.update_item(TABLE, self.key(name), "SET a = :v, b = c + d", {}, {":v": {"S": value}})

    def delete(self, name: str, _: str) -> None:
        self.backend.delete_item(TABLE, self.key(name))

    def transact(self, name: str, value: str) -> None:
        other = name[::-1]
        pair = [{"Put": {"TableName": TABLE, "Item": self.item(one, value)}} for one in {name, other}]
        self.backend.transact_write_items(pair)

    def transact_in_vain(self, name: str, value: str) -> None:
        impossible = {"ConditionExpression": "attribute_exists(no) AND attribute_not_exists(no)"}
        with pytest.raises(JsonRESTError):
            self.backend.transact_write_items(
                [
                    {"Put": {"TableName": TABLE, "Item": self.item(name, value)}},
                    {"Delete": {"TableName": TABLE, "Key": self.key("99"), **impossible}},
                ]
            )

    def partiql(self, name: str, value: str) -> None:
        where = f"id = '{name[0]}' AND part = '{name[1]}'" if self.ranged else f"id = '{name}'"
        self.backend.execute_statement(f"UPDATE {TABLE} SET flat = '{value}' WHERE {where}", [])

    def partiql_delete(self, name: str, _: str) -> None:
        where = f"id = '{name[0]}' AND part = '{name[1]}'" if self.ranged else f"id = '{name}'"
        self.backend.execute_statement(f"DELETE FROM {TABLE} WHERE {where}", [])


WAYS = [
    "put",
    "update",
    "update_nested",
    "update_in_vain",
    "delete",
    "transact",
    "transact_in_vain",
    "partiql",
    "partiql_delete",
]
writes = st.lists(
    st.tuples(st.sampled_from(WAYS), st.sampled_from(["11", "12", "21", "22"]), st.sampled_from("xyz")), max_size=25
)


def content(backend: TimeTravelBackend, table: str = TABLE) -> list[dict[str, Any]]:
    found = [copy.deepcopy(item.to_regular_json()) for item in backend.table(table).all_items()]
    return sorted(found, key=repr)


Writes = list[tuple[str, str, str]]


def check_restore(writes: Writes, ranged: bool, data: st.DataObject) -> None:
    clock = VirtualClock()
    with in_process(clock) as backend:
        make_table(backend, ranged=ranged)
        truth = [(clock.now(), content(backend))]
        writer = Writer(backend, ranged=ranged)
        for way, name, value in writes:
            clock.sleep(1)
            getattr(writer, way)(name, value)
            truth.append((clock.now(), content(backend)))
        clock.sleep(301)
        at, expected = data.draw(st.sampled_from(truth))
        backend.restore_as_of("restored", TABLE, at.timestamp() + 0.5, {})
        assert content(backend, "restored") == expected
        assert content(backend) == truth[-1][1]


@settings(deadline=None, max_examples=50)
@given(writes=writes, ranged=st.booleans(), data=st.data())
def test_a_restore_holds_the_items_as_of_the_asked_instant(writes: Writes, ranged: bool, data: st.DataObject) -> None:
    check_restore(writes, ranged, data)


@pytest.mark.slow
@settings(deadline=None, max_examples=1000)
@given(writes=writes, ranged=st.booleans(), data=st.data())
def test_any_of_a_thousand_restores_holds_the_items_as_of_its_instant(
    writes: Writes, ranged: bool, data: st.DataObject
) -> None:
    check_restore(writes, ranged, data)


@settings(deadline=None, max_examples=30)
@given(before=writes, after=writes, ranged=st.booleans())
def test_a_backup_holds_the_items_as_of_its_making(
    before: list[tuple[str, str, str]], after: list[tuple[str, str, str]], ranged: bool
) -> None:
    with in_process(VirtualClock()) as backend:
        make_table(backend, ranged=ranged)
        writer = Writer(backend, ranged=ranged)
        for way, name, value in before:
            getattr(writer, way)(name, value)
        expected, backup = content(backend), backend.create_backup(TABLE, "backup")
        for way, name, value in after:
            getattr(writer, way)(name, value)
        backend.restore_backup("restored", backup.arn, {})
        assert content(backend, "restored") == expected


def test_a_transaction_counts_at_one_instant(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    Writer(backend, ranged=False).transact("12", "x")
    history = backend.table(TABLE).history
    assert history is not None
    assert len({at for at, _, _ in history.changes}) == 1
    assert len(history.changes) == 2


def test_a_failed_transaction_leaves_the_table_itself_in_place(backend: TimeTravelBackend) -> None:
    table = backend.table(TABLE)
    Writer(backend, ranged=False).put("11", "x")
    Writer(backend, ranged=False).transact_in_vain("11", "y")
    assert backend.table(TABLE) is table
    assert content(backend)[0]["value"] == {"is": "x"}


def test_a_failed_update_leaves_nothing_behind(backend: TimeTravelBackend) -> None:
    Writer(backend, ranged=False).update_in_vain("11", "y")
    assert content(backend) == []


def test_the_latest_restorable_instant_lags_five_minutes(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    enabled = clock.now().timestamp()
    clock.sleep(1000)
    described = backend.describe_continuous_backups(TABLE)["PointInTimeRecoveryDescription"]
    assert described["EarliestRestorableDateTime"] == enabled
    assert described["LatestRestorableDateTime"] == enabled + 700


@pytest.mark.parametrize("seconds", [-10, 701, 5000])
def test_an_instant_outside_the_window_is_refused(
    backend: TimeTravelBackend, clock: VirtualClock, seconds: float
) -> None:
    enabled = clock.now().timestamp()
    clock.sleep(1000)
    with pytest.raises(JsonRESTError, match="RestoreDateTime must be between"):
        backend.restore_as_of("restored", TABLE, enabled + seconds, {})


def test_recovery_that_was_off_for_a_while_begins_a_new_window(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    clock.sleep(1000)
    before = clock.now().timestamp()
    backend.update_continuous_backups(TABLE, {"PointInTimeRecoveryEnabled": False})
    with pytest.raises(JsonRESTError, match="Point in time recovery is not enabled"):
        backend.restore_as_of("restored", TABLE, None, {})
    clock.sleep(10)
    backend.update_continuous_backups(TABLE, {"PointInTimeRecoveryEnabled": True})
    clock.sleep(1000)
    with pytest.raises(JsonRESTError, match="RestoreDateTime must be between"):
        backend.restore_as_of("restored", TABLE, before, {})


def test_changes_older_than_the_recovery_period_are_forgotten(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    backend.update_continuous_backups(TABLE, {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 1})
    writer = Writer(backend, ranged=False)
    writer.put("11", "old")
    clock.sleep(86_400 * 2)
    writer.put("12", "new")
    backend.describe_continuous_backups(TABLE)
    history = backend.table(TABLE).history
    assert history is not None
    assert len(history.base) == 1
    assert len(history.changes) == 1


def test_a_restored_table_lacks_what_aws_drops_and_keeps_what_aws_keeps(clock: VirtualClock) -> None:
    with in_process(clock) as backend:
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        make_table(backend, tags=[{"Key": "owner", "Value": "shop"}], streams=stream)
        source = backend.table(TABLE)
        backend.update_time_to_live(TABLE, {"Enabled": True, "AttributeName": "expires"})
        source.deletion_protection_enabled = True
        clock.sleep(600)
        restored = backend.restore_as_of("restored", TABLE, None, {})
        assert restored.tags == []
        assert restored.ttl == {"TimeToLiveStatus": "DISABLED"}
        assert restored.history is None
        assert not restored.deletion_protection_enabled
        assert "LatestStreamArn" not in restored.describe()["TableDescription"]
        assert restored.schema == source.schema
        assert restored.billing_mode == "PAY_PER_REQUEST"


def test_a_restored_table_can_be_restored_itself(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    writer = Writer(backend, ranged=False)
    writer.put("11", "first")
    clock.sleep(600)
    backend.restore_as_of("restored", TABLE, None, {})
    clock.sleep(60)
    backend.update_continuous_backups("restored", {"PointInTimeRecoveryEnabled": True})
    clock.sleep(1)
    good = clock.now().timestamp()
    clock.sleep(1)
    backend.put_item("restored", writer.item("11", "second"))
    clock.sleep(600)
    backend.restore_as_of("again", "restored", good, {})
    assert content(backend, "again")[0]["value"] == {"is": "first"}


def test_a_table_is_not_there_before_it_is_active(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    clock.sleep(600)
    restored = backend.restore_as_of("restored", TABLE, None, {})
    assert restored.describe()["TableDescription"]["TableStatus"] == "CREATING"
    with pytest.raises(JsonRESTError, match="Requested resource not found"):
        backend.put_item("restored", {"id": {"S": "1"}})
    with pytest.raises(JsonRESTError, match="still in use"):
        backend.delete_table("restored")
    clock.sleep(20)
    assert restored.describe()["TableDescription"]["TableStatus"] == "ACTIVE"
    backend.put_item("restored", {"id": {"S": "1"}})


def test_a_name_that_is_taken_is_refused(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    with pytest.raises(JsonRESTError, match="Table already exists"):
        backend.restore_as_of(TABLE, TABLE, None, {})


def test_overrides_change_billing_and_leave_out_indexes(clock: VirtualClock) -> None:
    with in_process(clock) as backend:
        index = {
            "IndexName": "by-name",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        make_table(backend)
        backend.update_table_global_indexes(backend.table(TABLE), [{"Create": index}])
        kept = backend.restore_as_of("kept", TABLE, None, {})
        units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
        overrides = {
            "BillingModeOverride": "PROVISIONED",
            "ProvisionedThroughputOverride": units,
            "GlobalSecondaryIndexOverride": [],
        }
        changed = backend.restore_as_of("changed", TABLE, None, overrides)
        assert [one.name for one in kept.global_indexes] == ["by-name"]
        assert changed.global_indexes == []
        assert changed.billing_mode == "PROVISIONED"
        assert changed.throughput.items() >= units.items()


def test_a_restore_may_cross_regions_by_arn(backend: TimeTravelBackend, clock: VirtualClock) -> None:
    Writer(backend, ranged=False).put("11", "x")
    clock.sleep(600)
    elsewhere = dynamodb_backends[ACCOUNT]["us-east-1"]
    assert isinstance(elsewhere, TimeTravelBackend)
    elsewhere.restore_as_of("restored", backend.table(TABLE).table_arn, None, {})
    assert content(elsewhere, "restored") == content(backend)


def test_a_deleted_table_leaves_a_system_backup_of_its_last_state(backend: TimeTravelBackend) -> None:
    Writer(backend, ranged=False).put("11", "x")
    expected = content(backend)
    backend.delete_table(TABLE)
    [backup] = backend.backups_of(TABLE)
    assert (backup.type, backup.name) == ("SYSTEM", "products$DeletedTableBackup")
    with pytest.raises(JsonRESTError, match="not found"):
        backend.restore_as_of("restored", TABLE, None, {})
    backend.restore_backup("restored", backup.arn, {})
    assert content(backend, "restored") == expected


def test_expired_items_are_deleted_two_days_later_by_the_service(clock: VirtualClock) -> None:
    with in_process(clock) as backend:
        make_table(backend, streams={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        backend.update_time_to_live(TABLE, {"Enabled": True, "AttributeName": "expires"})
        now = int(clock.now().timestamp())
        for name, expires in (("gone", now), ("later", now + 10**6), ("in seconds?", now // 1000), ("text", None)):
            value = {"S": "soon"} if expires is None else {"N": str(expires)}
            backend.put_item(TABLE, {"id": {"S": name}, "expires": value})
        assert expire_everywhere(backend.cloud) == 0
        clock.sleep(86_400 * 2 + 1)
        assert expire_everywhere(backend.cloud) == 1
        assert [item["id"] for item in content(backend)] == ["in seconds?", "later", "text"]
        record = backend.table(TABLE).stream_shard.items[-1].record
        assert record["eventName"] == "REMOVE"
        assert record["userIdentity"]["principalId"] == "dynamodb.amazonaws.com"


def test_the_stream_tells_one_record_a_change_and_none_for_no_change(clock: VirtualClock) -> None:
    with in_process(clock) as backend:
        make_table(backend, streams={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        writer = Writer(backend, ranged=False)
        for way in ("update", "update", "update_in_vain", "transact_in_vain", "delete"):
            getattr(writer, way)("11", "x")
        records = [entry.record for entry in backend.table(TABLE).stream_shard.items]
        assert [record["eventName"] for record in records] == ["INSERT", "REMOVE"]
        assert records[0]["awsRegion"] == REGION
        stamp = records[0]["dynamodb"]["ApproximateCreationDateTime"]
        assert stamp == datetime.fromtimestamp(int(clock.now().timestamp()), UTC)


def test_closing_the_plane_gives_moto_its_own_back() -> None:
    with in_process(VirtualClock()):
        assert isinstance(dynamodb_backends[ACCOUNT][REGION], TimeTravelBackend)
    assert not isinstance(dynamodb_backends[ACCOUNT][REGION], TimeTravelBackend)


def test_a_function_mapped_to_the_stream_gets_each_record_once(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = mock.Mock()
    monkeypatch.setattr("moto.awslambda.utils.get_backend", lambda *_: functions)
    with in_process(clock) as backend:
        make_table(backend, streams={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:copy"
        backend.table(TABLE).lambda_event_source_mappings[arn] = mock.Mock(event_source_arn="stream")
        for value in "xy":
            Writer(backend, ranged=False).put("11", value)
        backend.ledger.couriers.shutdown()
    sent = [call.args[1][0].record["eventName"] for call in functions.send_dynamodb_items.call_args_list]
    assert sent == ["INSERT", "MODIFY"]
