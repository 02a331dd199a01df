"""Telling people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drillbook.aws.recovery import notice
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import EventKind
from drillbook.recovery import Phase, Step
from drillbook.world import World


@pytest.fixture
def heard(world: World, name: str) -> tuple[str, Any]:
    """A topic, and what a subscribed queue has heard from it."""
    session = session_of(world)
    topic = session.client("sns").create_topic(Name=name)["TopicArn"]
    sqs = session.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:af-south-1:111122223333:{name}"
    session.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def messages() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"]) for each in found]

    return topic, messages


def run(step: Step) -> None:
    """As the runner does."""
    assert step.check is not None
    if not step.check():
        step.act()


def test_a_notice_is_sent_once_and_without_secrets(world: World, heard: tuple[str, Any]) -> None:
    topic, messages = heard
    step = notice.notice_step(
        world, "tell the owners", topic, "DR event:\nfailover", lambda: "serving from eu-west-1; password=hush-hush"
    )
    assert (step.phase, step.budget) == (Phase.COMMUNICATE, 300)
    for _ in range(2):
        run(step)
    (message,) = messages()
    assert message["Subject"] == "DR event: failover"
    assert message["Message"].startswith("serving from eu-west-1")
    assert "hush-hush" not in json.dumps(message)


def test_a_topic_that_is_not_there_is_an_error_and_the_notice_unsent(world: World, name: str) -> None:
    topic = f"arn:aws:sns:af-south-1:111122223333:{name}"
    with pytest.raises(PermanentError):
        notice.publish(world, topic, "subject", "message")
    assert not notice.was_published(world, topic, "subject")


def test_the_record_of_an_incident_is_kept_told_and_filed(world: World, name: str) -> None:
    told: list[str] = []
    world.events.listen(lambda event: told.append(event.name) if event.kind is EventKind.NOTE else None)
    for _ in range(2):
        run(notice.record_step(world, "declare", "declared", "af-south-1 is lost"))
        run(notice.record_step(world, "close", "closed", lambda: "traffic is home"))
    entries = notice.incident(world)
    assert [(each["entry"], each["text"]) for each in entries] == [
        ("declared", "af-south-1 is lost"),
        ("closed", "traffic is home"),
    ]
    assert entries[0]["at"] <= entries[1]["at"]
    assert told == ["declared: af-south-1 is lost", "closed: traffic is home"]
    s3 = session_of(world).client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "af-south-1"})
    notice.file_incident(world, f"{name}/incidents/1.json")
    filed = json.loads(s3.get_object(Bucket=name, Key="incidents/1.json")["Body"].read())
    assert filed == {"run": world.run_id, "service": "product-lambda", "entries": entries}
