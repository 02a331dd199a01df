"""What CloudFormation says of a stack: its state, its values, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError

if TYPE_CHECKING:
    from drillbook.world import World

Stack = dict[str, Any]


def described(world: World, name: str, region: str | None = None) -> Stack | None:
    """The stack, or None. Raises OperationError if it cannot be asked for."""
    from botocore.exceptions import ClientError

    with calling(f"describe the stack {name}"):
        try:
            found: Stack = (
                session_of(world).client("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]
            )
        except ClientError as error:
            # CloudFormation has no code of its own for this (AWS: DescribeStacks).
            if code_of(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
    return found


def failure(world: World, stack: Stack, region: str | None) -> PermanentError:
    """Why the stack is not what was asked: the first thing that failed since it was last begun."""
    reason = _first_failure(world, stack, region)
    return PermanentError(
        f"the stack {stack['StackName']} is {stack['StackStatus']}" + (f": {reason}" if reason else ""),
        code=stack["StackStatus"],
        do="correct what its events complain about, and run the step again",
    )


def _first_failure(world: World, stack: Stack, region: str | None) -> str:
    cloudformation, reason = session_of(world).client("cloudformation", region), ""
    with calling(f"read the events of the stack {stack['StackName']}"):
        for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackName"]):
            for event in page["StackEvents"]:  # newest first
                if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in event.get(
                    "ResourceStatusReason", ""
                ):
                    reason = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
                if event.get("ResourceStatusReason") == "User Initiated":
                    return reason
    return reason


def is_busy(stack: Stack) -> bool:
    status: str = stack["StackStatus"]
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def parameters_of(stack: Stack) -> dict[str, str]:
    """What can be read: those with NoEcho show as asterisks, and keep their values in an update."""
    given = {each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])}
    return {key: value for key, value in given.items() if set(value) != {"*"}}


def tags_of(stack: Stack) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in stack.get("Tags", [])}
