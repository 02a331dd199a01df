"""The tags of real (emulated) resources, as the tag rail reads them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from drillbook.aws.session import Session
from drillbook.aws.tags import tags_of
from drillbook.clock import SystemClock
from drillbook.errors import TargetError

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    opened = Session("123456789012", REGION, f"http://{host}:{port}", clock=SystemClock())
    yield opened
    opened.close()
    server.stop()


def make_table(session: Session, name: str, **tags: str) -> str:
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "id", "AttributeType": "S"}]
    made = session.client("dynamodb").create_table(
        TableName=name, KeySchema=keys, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )  # fmt: skip
    return str(made["TableDescription"]["TableArn"])


def make_function(session: Session, name: str, **tags: str) -> str:
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = session.client("iam").create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): ...")
    made = session.client("lambda").create_function(
        FunctionName=name, Runtime="python3.12", Role=role, Handler="app.handler",
        Code={"ZipFile": code.getvalue()}, Tags=tags,
    )  # fmt: skip
    return str(made["FunctionArn"])


def test_the_tags_of_a_table(session: Session) -> None:
    assert tags_of(session, make_table(session, "tagged", chaos="allowed")) == {"chaos": "allowed"}
    assert tags_of(session, make_table(session, "plain")) == {}


def test_the_tags_of_an_api_are_those_of_its_stages(session: Session) -> None:
    gateway = session.client("apigateway")
    tagged = gateway.create_rest_api(name="tagged", tags={"chaos": "allowed"})["id"]
    plain = gateway.create_rest_api(name="plain")["id"]
    place = f"arn:aws:apigateway:{REGION}::/restapis"
    assert tags_of(session, f"{place}/{tagged}") == {"chaos": "allowed"}
    assert tags_of(session, f"{place}/{tagged}/stages/v1") == {"chaos": "allowed"}
    assert tags_of(session, f"{place}/{plain}") == {}
    assert tags_of(session, f"{place}/absent") is None


def test_the_tags_of_a_function(session: Session) -> None:
    assert tags_of(session, make_function(session, "tagged", chaos="allowed")) == {"chaos": "allowed"}


def test_the_tags_of_a_bucket(session: Session) -> None:
    s3 = session.client("s3")
    where = {"LocationConstraint": REGION}
    for name in ("example-tagged", "example-plain"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
    s3.put_bucket_tagging(Bucket="example-tagged", Tagging={"TagSet": [{"Key": "chaos", "Value": "allowed"}]})
    assert tags_of(session, "arn:aws:s3:::example-tagged") == {"chaos": "allowed"}
    assert tags_of(session, "arn:aws:s3:::example-plain") == {}


def test_the_tags_of_anything_else(session: Session) -> None:
    queues = session.client("sqs")
    url = queues.create_queue(QueueName="orders", tags={"chaos": "allowed"})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert tags_of(session, arn) == {"chaos": "allowed"}


@pytest.mark.parametrize(
    "resource",
    [
        "products",
        "",
        "arn:aws",
        f"arn:aws:dynamodb:{REGION}:123456789012:table/nobody",
        f"arn:aws:lambda:{REGION}:123456789012:function:nobody",
        "arn:aws:s3:::nobody",
        f"arn:aws:sqs:{REGION}:123456789012:nobody",
    ],
)
def test_what_is_no_arn_or_not_there_has_no_tags_to_tell(session: Session, resource: str) -> None:
    assert tags_of(session, resource) is None


def test_a_target_that_cannot_be_reached_is_an_error_and_no_absence_of_tags() -> None:
    nowhere = Session("123456789012", REGION, "http://127.0.0.1:1", clock=SystemClock())
    with pytest.raises(TargetError):
        tags_of(nowhere, f"arn:aws:dynamodb:{REGION}:123456789012:table/products")
    nowhere.close()
