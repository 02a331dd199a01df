"""SNS: who subscribes gets the messages."""

from __future__ import annotations

import io
import json
import threading
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

Client = Callable[..., Any]
_GUIDE = "https://docs.aws.amazon.com/sns/latest/dg"


class Subscriber:
    """An HTTP endpoint of this machine. ``refusals``: how many requests are answered 503 first."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.refusals = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.refusals -= 1
                if outer.refusals < 0:
                    outer.got.append((dict(self.headers.items()), body))
                self.send_response(200 if outer.refusals < 0 else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def messages(self, type_: str) -> list[str]:
        headers = (({name.lower(): value for name, value in some.items()}, body) for some, body in self.got)
        return [body for some, body in headers if some.get("x-amz-sns-message-type") == type_]

    def one(self, type_: str) -> dict[str, Any]:
        found = wait_for(
            f"a {type_}", lambda: self.messages(type_), until=bool, timeout=20, interval=0.02, clock=SystemClock()
        )
        return dict(json.loads(found[0]))


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    made = Subscriber()
    serving = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    serving.join()


def subscriptions(client: Client, topic: str) -> list[str]:
    found = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [each["SubscriptionArn"] for each in found]


@pytest.mark.rule(
    "an HTTP endpoint gets messages only after it has confirmed by the SubscribeURL",
    f"{_GUIDE}/sns-http-https-endpoint-as-subscriber.html",
)
def test_confirmation_by_following_the_url(client: Client, subscriber: Subscriber) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="sns-url")["TopicArn"]
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    sns.publish(TopicArn=topic, Message="too early")
    asked = subscriber.one("SubscriptionConfirmation")
    assert answer["SubscriptionArn"] == "pending confirmation"
    assert subscriptions(client, topic) == ["PendingConfirmation"]

    urllib.request.urlopen(asked["SubscribeURL"]).close()
    sns.publish(TopicArn=topic, Message="hello", Subject="greeting")

    got = subscriber.one("Notification")
    assert (got["Message"], got["Subject"], got["TopicArn"]) == ("hello", "greeting", topic)
    assert len(subscriber.messages("Notification")) == 1
    assert subscriptions(client, topic)[0].startswith(f"{topic}:")


@pytest.mark.rule(
    "a token confirms its own subscription, and no other token does",
    "https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html",
)
def test_confirmation_by_token(client: Client, subscriber: Subscriber) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="sns-token")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    token = subscriber.one("SubscriptionConfirmation")["Token"]

    with pytest.raises(ClientError) as refused:
        sns.confirm_subscription(TopicArn=topic, Token="0" * 32)
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=token)

    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    assert subscriptions(client, topic) == [confirmed["SubscriptionArn"]]


@pytest.mark.rule(
    "a message that the endpoint could not take is delivered again",
    f"{_GUIDE}/sns-message-delivery-retries.html",
)
def test_a_retry(client: Client, subscriber: Subscriber) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name="sns-retry")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
    sns.confirm_subscription(TopicArn=topic, Token=subscriber.one("SubscriptionConfirmation")["Token"])
    subscriber.refusals = 2

    sns.publish(TopicArn=topic, Message="at last")

    assert subscriber.one("Notification")["Message"] == "at last"


@pytest.mark.rule(
    "publishing succeeds though a subscribed queue is gone",
    f"{_GUIDE}/sns-message-delivery-retries.html",
)
def test_a_lost_queue_does_not_fail_the_publisher(client: Client) -> None:
    sns, sqs = client("sns"), client("sqs")
    queues = [sqs.create_queue(QueueName=f"sns-lost-{name}")["QueueUrl"] for name in ("gone", "here")]
    topic = sns.create_topic(Name="sns-lost")["TopicArn"]
    for url in queues:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sqs.delete_queue(QueueUrl=queues[0])

    sns.publish(TopicArn=topic, Message="hello")

    got = sqs.receive_message(QueueUrl=queues[1], WaitTimeSeconds=5)["Messages"]
    assert json.loads(got[0]["Body"])["Message"] == "hello"


SOURCE = """
import json, os, boto3
def handler(event, context):
    record = event["Records"][0]
    item = {"id": {"S": record["Sns"]["MessageId"]}, "message": {"S": record["Sns"]["Message"]}}
    item["topic"] = {"S": record["Sns"]["TopicArn"]}
    boto3.client("dynamodb").put_item(TableName="sns-lambda", Item=item)
"""


@pytest.mark.rule("a subscribed function runs with the message", f"{_GUIDE}/sns-lambda-as-subscriber.html")
def test_a_function(client: Client) -> None:
    sns, dynamodb = client("sns"), client("dynamodb")
    dynamodb.create_table(
        TableName="sns-lambda",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="sns-lambda", AssumeRolePolicyDocument=document)
    function = client("lambda").create_function(
        FunctionName="sns-lambda",
        Runtime="python3.12",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": zipped(SOURCE)},
        Timeout=30,
    )
    topic = sns.create_topic(Name="sns-lambda")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function["FunctionArn"])

    told = sns.publish(TopicArn=topic, Message="run")["MessageId"]

    found = wait_for(
        "the function's item",
        lambda: dynamodb.scan(TableName="sns-lambda", ConsistentRead=True)["Items"],
        until=bool,
        timeout=30,
        interval=0.05,
        clock=SystemClock(),
    )
    assert found == [{"id": {"S": told}, "message": {"S": "run"}, "topic": {"S": topic}}]


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()
