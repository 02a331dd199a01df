"""CloudFormation in moto's place: stacks are built in the background, and are what their templates say or fail."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from moto.cloudformation import urls
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.utils import generate_stack_id

from drillbook.embedded.planes import CloudState
from drillbook.embedded.stacks.builder import Builder, Clients
from drillbook.embedded.stacks.stack import TrueStack

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_GONE = ("DELETE_COMPLETE",)


class Works:
    """The background: some stacks at a time, and one change of a stack at a time."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud, self.clock = cloud, cloud.clock
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="stacks")
        self._lock = threading.Lock()
        self._of_stack: dict[str, threading.Lock] = {}
        self._clients: dict[tuple[str, str], Clients] = {}

    def start(self, stack: TrueStack, change: Callable[[Builder], None]) -> None:
        """Carry the change out in the background, after those of this stack that were started before."""
        with self._lock:
            turn = self._of_stack.setdefault(stack.stack_id, threading.Lock())
            place = stack.account_id, stack.region_name
            clients = self._clients.setdefault(place, Clients(self._cloud, *place))
        self._pool.submit(self._carry_out, turn, change, Builder(clients, self._cloud))

    @staticmethod
    def _carry_out(turn: threading.Lock, change: Callable[[Builder], None], builder: Builder) -> None:
        with turn:
            change(builder)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class TrueStacks(CloudFormationBackend):
    """One account and region."""

    works: ClassVar[Works]

    @property
    def _url_module(self) -> Any:
        """Moto looks for it beside the backend's own module."""
        return urls

    def stack(self, name: str) -> TrueStack:
        """By name, or by id also when it is deleted. Raises moto's ValidationError."""
        found = self.get_stack(name)
        assert isinstance(found, TrueStack)
        return found

    def create_true(self, name: str, on_failure: str, **settings: Any) -> TrueStack:
        """The stack, in the making. Raises ValidationError or AlreadyExistsException, as CreateStack does."""
        if not _NAME.fullmatch(name or ""):
            told = f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint:"
            message = f"{told} Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            raise ValidationError(message=message)
        if any(stack.name == name for stack in self.stacks.values()):
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        stack = TrueStack(
            stack_id=generate_stack_id(name, self.region_name, self.account_id),
            name=name,
            account_id=self.account_id,
            region_name=self.region_name,
            cross_stack_resources=self.exports,
            **settings,
        )
        stack.resource_map.wanted()
        stack.on_failure = on_failure
        self.stacks[stack.stack_id] = stack
        self._begin_building(stack)
        return stack

    def create_stack(  # type: ignore[override]
        self, name: str, template: str, parameters: dict[str, Any], **settings: Any
    ) -> Stack:
        """For moto's own callers: stack sets and nested stacks."""
        return self.create_true(name, "ROLLBACK", template=template, parameters=parameters, **settings)

    def _begin_building(self, stack: TrueStack) -> None:
        stack.become("CREATE_IN_PROGRESS", "User Initiated")

        def build(builder: Builder) -> None:
            stack.build(builder)
            self._export(stack)
            self._forget_if_deleted(stack)

        self.works.start(stack, build)

    def update_stack(
        self,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, Any]],
        tags: dict[str, str] | None,
    ) -> Stack:
        """Raises ValidationError for a stack that is busy or cannot be updated, and where nothing changes."""
        stack = self.stack(name)
        if stack.busy or not re.fullmatch(r"(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE", stack.status):
            raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        given = self._resolve_update_parameters(instance=stack, incoming_params=parameters)
        whole = stack.parse_template(template)
        if whole == stack.template_dict and given == stack.parameters and not tags:
            raise ValidationError(message="No updates are to be performed.")
        stack.role_arn, stack.tags = role_arn, stack.tags if tags is None else tags
        self._begin_rebuilding(stack, template, whole, given)
        return stack

    def _begin_rebuilding(
        self, stack: TrueStack, template: str, whole: dict[str, Any], parameters: dict[str, Any]
    ) -> None:
        stack.become("UPDATE_IN_PROGRESS", "User Initiated")

        def rebuild(builder: Builder) -> None:
            before = stack.template
            stack.template = template
            stack.rebuild(builder, whole, parameters)
            if stack.status != "UPDATE_COMPLETE":
                stack.template = before
            self._export(stack)

        self.works.start(stack, rebuild)

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        del stack_name
        change_set = self.describe_change_set(change_set_name)
        if change_set is None or change_set.execution_status != "AVAILABLE":
            raise ValidationError(message=f"ChangeSet [{change_set_name}] cannot be executed in its current status")
        stack = self.stack(change_set.stack_id)
        whole = stack.parse_template(change_set.template)
        change_set.execution_status = "EXECUTE_COMPLETE"
        if change_set.change_set_type == "UPDATE":
            self._begin_rebuilding(stack, change_set.template, whole, change_set.parameters)
            return
        stack.template, stack.template_dict, stack.parameters = change_set.template, whole, change_set.parameters
        stack.resource_map.take(whole, change_set.parameters)
        stack.output_map = stack._create_output_map()
        self._begin_building(stack)

    def delete_stack(self, name_or_stack_id: str) -> None:
        """A stack that is not there is deleted already."""
        try:
            stack = self.stack(name_or_stack_id)
        except ValidationError:
            return
        if stack.status in _GONE:
            return
        if stack.enable_termination_protection:
            raise ValidationError(
                message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        self._refuse_if_imported(stack)
        stack.become("DELETE_IN_PROGRESS", "User Initiated")

        def demolish(builder: Builder) -> None:
            stack.demolish(builder)
            self._forget_if_deleted(stack)

        self.works.start(stack, demolish)

    def _refuse_if_imported(self, stack: TrueStack) -> None:
        names = {export.name for export in self.exports.values() if export.exporting_stack_id == stack.stack_id}
        for other in self.stacks.values():
            if other is not stack and (used := names & _imports(other.template_dict)):
                raise ValidationError(
                    message=f"Export {sorted(used)[0]} cannot be deleted as it is in use by {other.name}"
                )

    def _forget_if_deleted(self, stack: TrueStack) -> None:
        if stack.status in _GONE:
            self.deleted_stacks[stack.stack_id] = stack
            self.stacks.pop(stack.stack_id, None)
            self._export(stack)

    def _export(self, stack: TrueStack) -> None:
        for name, export in list(self.exports.items()):
            if export.exporting_stack_id == stack.stack_id:
                self.exports.pop(name)
        self.exports.update({export.name: export for export in stack.exports})


def _imports(said: Any) -> set[str]:
    if isinstance(said, dict):
        own = {str(said["Fn::ImportValue"])} if "Fn::ImportValue" in said else set()
        return own | {name for value in said.values() for name in _imports(value)}
    return {name for each in said for name in _imports(each)} if isinstance(said, list) else set()
