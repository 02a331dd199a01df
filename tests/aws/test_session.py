from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.hooks import HierarchicalEmitter

from drillbook.aws.calls import record
from drillbook.aws.session import Credentials, Session, acting, session_of
from drillbook.clock import SystemClock
from drillbook.embedded.process import Cloud
from drillbook.errors import PermanentError, Refused, TargetError
from drillbook.events import EventKind, EventStream
from drillbook.world import World


@pytest.fixture
def session(cloud: Cloud) -> Iterator[Session]:
    clock = SystemClock()
    made = Session(cloud.account, "af-south-1", cloud.endpoint, clock=clock, events=EventStream(clock))
    yield made
    made.close()


def calls(world: World) -> list[dict[str, Any]]:
    return [{"name": event.name, **event.data} for event in world.events.events if event.kind is EventKind.CALL]


def test_a_client_is_made_once_for_each_service_and_region(session: Session) -> None:
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda _: session.client("dynamodb"), range(16)))
    assert all(client is clients[0] for client in clients)
    assert session.client("dynamodb", "eu-west-1") is not clients[0]


def test_it_says_who_it_is(session: Session, cloud: Cloud) -> None:
    assert session.identity().account == cloud.account


def test_a_region_that_is_not_the_services_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="us-east-1 is not a region of this service") as refused:
        session_of(world).client("dynamodb", "us-east-1")
    assert refused.value.rail == "region"


def test_a_request_to_another_host_is_refused_before_it_leaves(session: Session) -> None:
    client = session.client("dynamodb")
    client.meta.events.register_first(
        "before-sign", lambda request, **_: setattr(request, "url", "https://dynamodb.af-south-1.amazonaws.com/")
    )
    with pytest.raises(Refused, match=r"dynamodb\.af-south-1\.amazonaws\.com") as refused:
        client.list_tables()
    assert refused.value.rail == "endpoint"


def test_with_an_endpoint_the_callers_own_setup_is_not_read(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    assert session.client("dynamodb").list_tables()["TableNames"] is not None


def test_each_call_is_one_event_with_its_request_id_and_actor(world: World) -> None:
    with acting("fault"):
        session_of(world).client("dynamodb").list_tables()
    (call,) = calls(world)
    assert call["name"] == "dynamodb.ListTables"
    assert call["actor"] == "fault"
    assert (call["status"], call["attempts"], call["error"]) == (200, 1, "")
    assert call["region"] == "af-south-1"
    assert call["request_id"]
    assert 0 < call["seconds"] < 30


@pytest.mark.parametrize(
    ("stage", "actor"), [("preflight", "drill"), ("inject", "fault"), ("recover", "recovery"), ("heal", "heal")]
)
def test_where_nobody_said_who_acts_it_follows_from_the_stage(world: World, stage: str, actor: str) -> None:
    client = session_of(world).client("dynamodb")
    world.events.emit(EventKind.STAGE, stage)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(client.list_tables).result()
    assert calls(world)[-1]["actor"] == actor


def test_a_failed_call_is_an_event_with_its_code(world: World) -> None:
    dynamodb = session_of(world).client("dynamodb")
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.describe_table(TableName="absent-table")
    assert calls(world)[-1]["error"] == "ResourceNotFoundException"


def test_a_call_that_nobody_answered_is_an_event_too() -> None:
    clock = SystemClock()
    events = EventStream(clock)
    session = Session("111122223333", "af-south-1", "http://127.0.0.1:9", clock=clock, events=events)
    with pytest.raises(TargetError, match=r"http://127\.0\.0\.1:9.* cannot be reached"):
        session.identity()
    assert [event.data["error"] for event in events.events] == ["EndpointConnectionError"]


def test_no_parameter_of_a_call_reaches_the_events(world: World) -> None:
    dynamodb = session_of(world).client("dynamodb")
    with pytest.raises(dynamodb.exceptions.ClientError):
        dynamodb.put_item(TableName="absent-table", Item={"id": {"S": "hush-hush"}})
    assert "hush-hush" not in str([event.as_json() for event in world.events.events])


def test_secrets_do_not_show_in_the_representation_of_credentials() -> None:
    shown = repr(Credentials("key", "hush-hush", "hush-token"))
    assert "hush" not in shown


def test_a_world_that_is_not_on_aws_has_no_session(world: World) -> None:
    world.aws = None
    with pytest.raises(TargetError, match="has no AWS account"):
        session_of(world)


def test_recording_a_call_costs_less_than_half_a_millisecond() -> None:
    hooks, events = HierarchicalEmitter(), EventStream(SystemClock())
    record(hooks, events)
    model: Any = SimpleNamespace(service_model=SimpleNamespace(service_name="dynamodb"), name="PutItem")
    answer = {"ResponseMetadata": {"RequestId": "r", "HTTPStatusCode": 200, "RetryAttempts": 0}}
    began = time.thread_time()
    for _ in range(1000):
        context: dict[str, Any] = {"client_region": "af-south-1"}
        hooks.emit("before-call.dynamodb.PutItem", model=model, context=context)
        hooks.emit("after-call.dynamodb.PutItem", model=model, parsed=answer, context=context)
    assert (time.thread_time() - began) / 1000 < 0.0005
    assert len(events.events) == 1000


def test_credentials_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    session = Session("111122223333", "af-south-1", clock=SystemClock())
    with pytest.raises(PermanentError, match="credentials") as error:
        session.identity()
    assert "AWS_PROFILE" in error.value.do
