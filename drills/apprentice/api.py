"""The API's stack, deployed at home and not in the standby region: that is what a pilot light saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.aws.session import session_of
from drillbook.waiting import wait_for

from .names import (
    API_NAME,
    BUILD,
    CLUSTER,
    DATABASE,
    FUNCTION_ROLE,
    HOME,
    SECRET,
    STAGES,
    TAG_LIST,
    TOPIC,
    artifacts_of,
    endpoint_name,
    name_of,
    stack_of,
    topic_arn,
)

if TYPE_CHECKING:
    from drillbook.aws.session import Session
    from drillbook.world import World

TEMPLATE = "api.yaml"
PATIENCE = 120.0


def stand_up(world: World) -> None:
    """The stack at home."""
    session = session_of(world)
    role(session, FUNCTION_ROLE, "lambda.amazonaws.com")
    cloudformation, name = session.client("cloudformation", HOME), stack_of(HOME)
    if name in [each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]]:
        return
    given = parameters(session.account, HOME, endpoint_name(CLUSTER, HOME))
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=Path(__file__).with_name(TEMPLATE).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Tags=TAG_LIST,
    )
    wait_for(
        f"the stack {name} being there",
        lambda: str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]),
        until=lambda status: status == "CREATE_COMPLETE",
        timeout=PATIENCE,
        interval=0.05,
        clock=world.clock,
    )


def parameters(account: str, region: str, endpoint: str) -> dict[str, str]:
    """What the template asks for; ``endpoint`` names the writer's endpoint of the cluster to use."""
    return {
        "Stage": STAGES[region],
        "Region": region,
        "Role": role_arn(account, FUNCTION_ROLE),
        "Artifacts": artifacts_of(region),
        "Build": BUILD,
        "Database": DATABASE,
        "DatabaseLogin": SECRET,
        "WriterEndpoint": endpoint,
        "ApiName": API_NAME,
        "RegionName": name_of(region),
        "Topic": topic_arn(account, region),
    }


def notices(session: Session, region: str) -> None:
    """The topic that alarms and people tell; it is there in both regions beforehand."""
    session.client("sns", region).create_topic(Name=TOPIC, Tags=TAG_LIST)


def role_arn(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def role(session: Session, name: str, taker: str) -> None:
    iam = session.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": taker}, "Action": "sts:AssumeRole"}
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, Tags=TAG_LIST)
