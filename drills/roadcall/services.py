"""The services of the primary region: the stack that the recovery deploys in the other one, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.waiting import wait_for

from .names import PRIMARY, ROLE, STACK, TAG_LIST, TEMPLATE, stack_parameters

if TYPE_CHECKING:
    from drillbook.world import World

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ],
}


def begin(world: World) -> None:
    """The role, and the stack while other things are made."""
    session = session_of(world)
    session.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=TAG_LIST)
    session.client("cloudformation", PRIMARY).create_stack(
        StackName=STACK,
        TemplateBody=(world.service.folder / TEMPLATE).read_text(),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in stack_parameters(session.account, PRIMARY).items()
        ],
        Tags=TAG_LIST,
    )


def finish(world: World) -> None:
    """Raises PermanentError if the stack was not made."""
    cloudformation = session_of(world).client("cloudformation", PRIMARY)
    stack = wait_for(
        "the services",
        lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0],
        until=lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
        timeout=120,
        interval=0.05,
        clock=world.clock,
    )
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise PermanentError(f"the stack {STACK} is {stack['StackStatus']}", do="look at its events")
