"""Stands the product catalogue up on the embedded cloud or on LocalStack. On AWS nothing here runs.

Everything is made if it is not there and left alone if it is; it all carries the tag chaos=allowed. The application
and its names are CloudFormation stacks, made from the very templates that the recovery uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.session import Session, acting, session_of
from drillbook.errors import TargetError
from drillbook.waiting import wait_for

from . import artifacts, backups, dns, routes, tables
from .names import (
    APPLICATION_STACK,
    APPLICATION_TEMPLATE,
    FRONT,
    NAMES_STACK,
    NAMES_TEMPLATE,
    TAG_LIST,
    application_parameters,
    own_name,
    primary,
    standby,
)  # fmt: skip

if TYPE_CHECKING:
    from drillbook.world import World


def stand_up(world: World) -> dict[str, str]:
    """Make what is missing. Gives the URL that customers call, the standby's own, and the API's id."""
    session = session_of(world)
    with acting("stand up"), calling(f"stand up the product catalogue at {session.place}"):
        for region in (primary(world), standby(world)):
            artifacts.store(session, region)
            stack(world, NAMES_STACK, NAMES_TEMPLATE, {"OwnName": own_name(world, region)}, region)
        tables.tables(world)
        stack(world, APPLICATION_STACK, APPLICATION_TEMPLATE, application_parameters(world, primary(world)))
        dns.names(world)
        backups.hourly(world)
        api = routes.api_of(session)
    port = f":{world.values['port']}" if "port" in world.values else ""
    return {
        "front_door": f"http://{FRONT}{port}",
        "dr_door": f"http://{own_name(world, standby(world))}{port}",
        "api": api,
    }


def stack(world: World, name: str, template: str, parameters: dict[str, str], region: str | None = None) -> None:
    """Make the stack if there is none, and wait until it is whole. Raises TargetError if it cannot be made."""
    cloudformation = session_of(world).client("cloudformation", region)
    if name not in standing(session_of(world), region):
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=(world.service.folder / template).read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=TAG_LIST,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    status = wait_for(
        f"the stack {name}",
        lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
        until=lambda seen: not seen.endswith("_IN_PROGRESS"),
        timeout=300,
        interval=0.05,
        clock=world.clock,
    )
    if not status.endswith("_COMPLETE") or "ROLLBACK" in status:
        raise TargetError(f"the stack {name} is {status}", do="look at the events of the stack")


def standing(session: Session, region: str | None = None) -> list[str]:
    """The names of the stacks that are there."""
    pages = session.client("cloudformation", region).get_paginator("describe_stacks").paginate()
    return [each["StackName"] for page in pages for each in page["Stacks"]]
