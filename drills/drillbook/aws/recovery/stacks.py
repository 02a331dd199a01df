"""Deploy a CloudFormation stack, in whatever state it is: made, changed, or left as it is.

A stack whose making failed can only be deleted (AWS: "Stack status codes", ROLLBACK_COMPLETE); one that a previous
attempt of this run left so is made anew. Parameters and tags that are not given keep their values.

The template is a file, beside the service file or absolute, or an ``https://`` URL of an object in S3; give a file over
51,200 bytes by URL (AWS: "CloudFormation quotas"). Secrets do not belong in parameters: name a secret instead (AWS:
"Dynamic references").
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from drillbook.aws.failures import calling
from drillbook.aws.recovery.carry_over import RUN_TAG
from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.stack_status import Stack, described, failure, is_busy, parameters_of, tags_of
from drillbook.aws.session import acting, session_of
from drillbook.errors import PermanentError, UsageError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 3 * 3600.0
"""A stack with a database or a distribution takes longer than the hour that boto's waiter gives it."""
_UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_STILLBORN = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS")
_NO_CHANGE = "No updates are to be performed"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


class DeployedStackSettings(Settings):
    name: str
    template: str
    parameters: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    region: str | None = None


class DeployedStack:
    """Make a stack, or change one. Undoing deletes what was made, and changes back what was changed."""

    Settings = DeployedStackSettings

    def __init__(self, world: World, settings: DeployedStackSettings) -> None:
        self._settings, self._world, self._session = settings, world, session_of(world)
        self._cloudformation = self._session.client("cloudformation", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"deploy the stack {self._settings.name} from {self._settings.template.rpartition('/')[2]}"

    def touches(self) -> list[str]:
        region = self._settings.region or self._session.region
        return [f"arn:aws:cloudformation:{region}:{self._session.account}:stack/{self._settings.name}"]

    def capture(self) -> Json:
        """What the stack was, so that it can be changed back. Its template is kept packed: it is no text to be read."""
        stack = self.look()
        if stack is None or stack["StackStatus"] in _STILLBORN:
            return None
        return {"template": _packed(self.template()), "parameters": parameters_of(stack), "tags": tags_of(stack)}

    def apply(self, before: Json) -> None:
        stack = self.look()
        if stack is None:
            self._create()
        elif before is not None:
            self._update(self._given(), self._settings.parameters, tags_of(stack) | self._settings.tags)
        else:
            self._delete()
            self._create()
        self.wait()

    def restore(self, before: Json) -> None:
        stack = self.wait()
        if stack is None or self.restored(before):
            return
        if before is None:
            self._refuse_a_stranger(stack)
            self._delete()
            return
        self._update({"TemplateBody": _unpacked(before["template"])}, before["parameters"], before["tags"])
        self.wait()

    def restored(self, before: Json) -> bool:
        stack = self.look()
        if stack is None or before is None:
            return stack is None and before is None
        same = _packed(self.template()) == before["template"] and parameters_of(stack) == before["parameters"]
        return same and stack["StackStatus"] in _UPDATABLE

    def look(self) -> Stack | None:
        return described(self._world, self._settings.name, self._settings.region)

    def template(self) -> str:
        """As it was given to CloudFormation."""
        with calling(f"read the template of {self._settings.name}"):
            found = self._cloudformation.get_template(StackName=self._settings.name, TemplateStage="Original")
        body = found["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)

    def wait(self) -> Stack | None:
        """The stack when nothing is going on in it; None if it is gone. ``apply`` judges how it ended."""
        return wait_for(
            f"the stack {self._settings.name} settling",
            self.look,
            until=lambda stack: stack is None or not is_busy(stack),
            timeout=PATIENCE,
            interval=5.0 / self._session.speed,
            clock=self._world.clock,
            do="look at the events of the stack",
        )

    def _create(self) -> None:
        ours = {**self._world.service.rails.tag, **self._settings.tags, RUN_TAG: self._world.run_id}
        with calling(self.describe()):
            self._cloudformation.create_stack(
                StackName=self._settings.name,
                Parameters=[_parameter(*each) for each in self._settings.parameters.items()],
                Tags=[{"Key": key, "Value": value} for key, value in ours.items()],
                Capabilities=_CAPABILITIES,
                **self._given(),
            )

    def _update(self, template: dict[str, str], parameters: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Parameters that the template has and nobody gives keep their values."""
        from botocore.exceptions import ClientError

        stack = self.look() or {}
        with calling(self.describe()):
            asked = self._cloudformation.get_template_summary(**template)["Parameters"]
            names = {each["ParameterKey"] for each in asked}
            kept = {each["ParameterKey"] for each in stack.get("Parameters", [])} & names - parameters.keys()
            try:
                self._cloudformation.update_stack(
                    StackName=self._settings.name,
                    Parameters=[
                        *(_parameter(key, value) for key, value in parameters.items() if key in names),
                        *({"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)),
                    ],
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                    Capabilities=_CAPABILITIES,
                    **template,
                )
            except ClientError as error:
                if _NO_CHANGE not in str(error):
                    raise

    def _delete(self) -> None:
        with calling(f"delete the stack {self._settings.name}"):
            self._cloudformation.delete_stack(StackName=self._settings.name)
        if (stack := self.wait()) is not None:
            raise failure(self._world, stack, self._settings.region)

    def _given(self) -> dict[str, str]:
        place = self._settings.template
        return {"TemplateURL": place} if place.startswith("https://") else {"TemplateBody": _file(self._world, place)}

    def _refuse_a_stranger(self, stack: Stack) -> None:
        if tags_of(stack).get(RUN_TAG) != self._world.run_id:
            raise PermanentError(
                f"the stack {self._settings.name} was not made by this run",
                code="AlreadyExistsException",
                do="delete it by hand if nobody needs it",
            )


def deploy(
    world: World,
    name: str,
    template: str,
    parameters: Mapping[str, str] | None = None,
    *,
    tags: Mapping[str, str] | None = None,
    region: str | None = None,
) -> dict[str, str]:
    """Make the stack be what ``template`` and ``parameters`` say, and return its outputs.

    Waits up to three hours. Raises PermanentError with the first failure among its events, and for a stack that
    carries neither the service's tag (``rails: tag``) nor this run's.
    """
    settings = DeployedStackSettings(
        name=name, template=template, parameters=dict(parameters or {}), tags=dict(tags or {}), region=region
    )
    change = DeployedStack(world, settings)
    with acting("recovery"):
        stack = change.wait()
    if stack is not None:
        _refuse_to_touch(world, stack)
    if not is_deployed(world, name, template, parameters, region=region):
        make(world, DeployedStack, settings)
        stack = change.look()
        if stack is None or stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise failure(world, stack or {"StackName": name, "StackStatus": "not there"}, region)
    return outputs(world, name, region=region)


def is_deployed(
    world: World, name: str, template: str, parameters: Mapping[str, str] | None = None, *, region: str | None = None
) -> bool:
    """Is the stack whole, from this template, with these values of its parameters?

    A template given by URL is not compared: such a stack is always updated, which changes nothing if nothing differs.
    """
    stack = described(world, name, region)
    if stack is None or stack["StackStatus"] not in _UPDATABLE or template.startswith("https://"):
        return False
    change = DeployedStack(world, DeployedStackSettings(name=name, template=template, region=region))
    same = _plain(change.template()) == _plain(_file(world, template))
    return same and dict(parameters or {}).items() <= parameters_of(stack).items()


def outputs(world: World, name: str, *, region: str | None = None) -> dict[str, str]:
    """The stack's outputs. Raises PermanentError if there is no such stack."""
    stack = described(world, name, region)
    if stack is None:
        raise PermanentError(f"there is no stack {name}", code="ValidationError", do="deploy it first")
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def remove(world: World, name: str, *, region: str | None = None) -> None:
    """Delete a stack that this run made, and wait until it is gone: the end of a rehearsal. Twice is once.

    Heal would do the same, later. Raises PermanentError for a stack of anybody else.
    """
    change = DeployedStack(world, DeployedStackSettings(name=name, template="", region=region))
    with acting("recovery"):
        change.restore(None)


def _refuse_to_touch(world: World, stack: Stack) -> None:
    tags, allowed = tags_of(stack), world.service.rails.tag
    if tags.get(RUN_TAG) != world.run_id and not (allowed and allowed.items() <= tags.items()):
        wanted = " and ".join(f"{key}={value}" for key, value in allowed.items()) or "the tag of this run"
        raise PermanentError(
            f"a stack {stack['StackName']} exists that is not ours: it lacks {wanted}",
            code="AlreadyExistsException",
            do="tag the stack if it may be drilled, or give another name",
        )


def _parameter(key: str, value: str) -> dict[str, str]:
    return {"ParameterKey": key, "ParameterValue": value}


def _file(world: World, place: str) -> str:
    try:
        return (world.service.folder / place).read_text()
    except (OSError, ValueError) as error:
        raise UsageError(f"the template {place} cannot be read: {error}", do="correct its path") from error


def _plain(template: str) -> Json:
    try:
        return json.loads(template)
    except ValueError:
        return template


def _packed(template: str) -> str:
    return base64.b64encode(zlib.compress(template.encode())).decode()


def _unpacked(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode()
