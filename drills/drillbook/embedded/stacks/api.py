"""The CloudFormation calls that moto answers otherwise than AWS."""

from __future__ import annotations

from typing import Any

from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from drillbook.embedded.stacks.backend import TrueStacks
from drillbook.embedded.stacks.kind import Resource
from drillbook.embedded.stacks.stack import TrueStack
from drillbook.errors import WaitTimeout
from drillbook.waiting import wait_for

_PATIENCE = 2.0
"""Seconds that an answer about a stack is held while it is being changed: the SDKs' waiters look again after 30 s."""
_NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::User": "UserName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}


class InsufficientCapabilities(CloudFormationError):
    code = "InsufficientCapabilitiesException"


class TrueStacksApi(CloudFormationResponse):
    @property
    def stacks(self) -> TrueStacks:
        backend = self.cloudformation_backend
        assert isinstance(backend, TrueStacks)
        return backend

    def create_stack(self) -> ActionResult:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html"""
        template = self._get_param("TemplateBody")
        if url := self._get_param("TemplateURL"):
            template = self._get_stack_from_s3_url(url)
        if not template:
            raise ValidationError(message="Either Template URL or Template Body must be specified.")
        self._check_capabilities(template)
        on_failure = "DO_NOTHING" if self._get_bool_param("DisableRollback") else self._get_param("OnFailure")
        stack = self.stacks.create_true(
            self._get_param("StackName"),
            on_failure or "ROLLBACK",
            template=template,
            parameters=self._get_params_from_list(self._get_param("Parameters", [])),
            notification_arns=self._get_param("NotificationARNs", []),
            tags={tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])},
            role_arn=self._get_param("RoleARN"),
            enable_termination_protection=self._get_bool_param("EnableTerminationProtection"),
            timeout_in_mins=self._get_param("TimeoutInMinutes"),
            stack_policy_body=self._get_param("StackPolicyBody"),
        )
        return ActionResult({"StackId": stack.stack_id})

    def _check_capabilities(self, template: str) -> None:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html"""
        said = TrueStack.parse_template(template)["Resources"].values()
        iam = [each for each in said if each.get("Type", "").startswith("AWS::IAM::")]
        named = any(_NAMED.get(each["Type"], "-") in each.get("Properties", {}) for each in iam)
        given = set(self._get_param("Capabilities", []))
        if iam and not given & ({"CAPABILITY_NAMED_IAM"} | (set() if named else {"CAPABILITY_IAM"})):
            wanted = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
            raise InsufficientCapabilities(f"Requires capabilities : [{wanted}]")

    def describe_stacks(self) -> ActionResult:
        if name := self._get_param("StackName"):
            self._await_settled(self.stacks.describe_stacks(name)[0])
        answer: ActionResult = super().describe_stacks()
        return answer

    def _await_settled(self, stack: Any) -> None:
        try:
            wait_for(
                f"the stack {stack.name}",
                lambda: not stack.busy,
                timeout=_PATIENCE,
                interval=0.01,
                clock=self.stacks.works.clock,
            )
        except WaitTimeout:
            return

    def describe_stack_resource(self) -> ActionResult:
        stack, resource = self.stacks.describe_stack_resource(
            self._get_param("StackName"), self._get_param("LogicalResourceId")
        )
        return ActionResult({"StackResourceDetail": _told(stack, resource)})

    def describe_stack_resources(self) -> ActionResult:
        stack, found = self.stacks.describe_stack_resources(
            self._get_param("StackName"), self._get_param("LogicalResourceId")
        )
        return ActionResult({"StackResources": [_told(stack, resource) for resource in found]})

    def list_stack_resources(self) -> ActionResult:
        stack, found = self.stacks.list_stack_resources(self._get_param("StackName"))
        return ActionResult({"StackResourceSummaries": [_told(stack, resource) for resource in found]})


def _told(stack: Any, resource: Resource | Any) -> dict[str, Any]:
    return {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        "LogicalResourceId": resource.logical_resource_id,
        "PhysicalResourceId": resource.physical_resource_id or None,
        "ResourceType": resource.cf_resource_type,
        "Timestamp": stack.creation_time,
        "LastUpdatedTimestamp": stack.creation_time,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
    }
