"""A stack that is made, changed, rolled back and deleted resource by resource, in the background, with its events.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.cloudformation.models import Event, Stack
from moto.cloudformation.parsing import generate_resource_name

from drillbook.embedded.stacks.builder import Builder, Failed
from drillbook.embedded.stacks.kind import Kind, Resource
from drillbook.embedded.stacks.kinds import KINDS
from drillbook.embedded.stacks.template import Resources, normal


class TrueStack(Stack):
    """Stacks in moto's place. ``build`` is called in the background by the backend, one change of a stack at a time."""

    resource_map: Resources
    on_failure = "ROLLBACK"
    status_reason: str | None = None

    def _create_resource_map(self) -> Resources:
        made = Resources(
            self.stack_id,
            self.name,
            self.parameters,
            self.tags,
            account_id=self.account_id,
            region_name=self.region_name,
            template=self.template_dict,
            cross_stack_resources=self.cross_stack_resources,
        )
        made.load()
        return made

    @staticmethod
    def parse_template(template: str) -> dict[str, Any]:
        return normal(Stack.parse_template(template))

    @staticmethod
    def cloudformation_name_type() -> str:
        return "StackName"

    def is_created(self) -> bool:
        return self.status == "CREATE_COMPLETE"

    @property
    def stack_resources(self) -> Iterable[Any]:
        return list(self.resource_map.made().values())

    @property
    def exports(self) -> list[Any]:
        return super().exports if self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else []

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        return super().outputs if self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else None

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def become(self, status: str, reason: str | None = None) -> None:
        self.status_reason = reason
        self._add_stack_event(status, reason)
        self.status = status

    def build(self, builder: Builder) -> None:
        """Make every resource; if one fails, remove them all again, unless told to leave them (OnFailure)."""
        try:
            for name in self.resource_map.wanted():
                self._make(name, builder)
            list(self.output_map.values())
        except Exception as error:  # noqa: BLE001 - whatever a resource or an output died of, the stack has failed
            self._failed_to_build(_reason(error), builder)
        else:
            self.become("CREATE_COMPLETE")

    def _failed_to_build(self, reason: str, builder: Builder) -> None:
        if self.on_failure == "DO_NOTHING":
            self.become("CREATE_FAILED", reason)
            return
        deleting = self.on_failure == "DELETE"
        self.become("DELETE_IN_PROGRESS" if deleting else "ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested.")
        left = self._remove(list(self.resource_map.made()), builder, keep=False)
        done = "DELETE" if deleting else "ROLLBACK"
        self.become(f"{done}_FAILED" if left else f"{done}_COMPLETE", _left(left))

    def rebuild(self, builder: Builder, template: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Change what differs, add what is new, remove what is no longer wanted; if that fails, change it back."""
        before, before_parameters = self.template_dict, dict(self.parameters)
        try:
            self._go_to(template, parameters, builder)
        except Exception as error:  # noqa: BLE001 - as in build
            self.become("UPDATE_ROLLBACK_IN_PROGRESS", _reason(error))
            self._roll_back(before, before_parameters, builder)
            return
        self.become("UPDATE_COMPLETE")

    def _roll_back(self, template: dict[str, Any], parameters: dict[str, Any], builder: Builder) -> None:
        try:
            self._go_to(template, parameters, builder)
        except Exception as error:  # noqa: BLE001 - as in build
            self.become("UPDATE_ROLLBACK_FAILED", _reason(error))
        else:
            self.become("UPDATE_ROLLBACK_COMPLETE")

    def _go_to(self, template: dict[str, Any], parameters: dict[str, Any], builder: Builder) -> None:
        self.template_dict, self.parameters = template, parameters
        self.resource_map.take(template, parameters)
        self.output_map = self._create_output_map()
        wanted = self.resource_map.wanted()
        made = self.resource_map.made()
        for name in wanted:
            if name in made:
                self._change(made[name], builder)
            else:
                self._make(name, builder)
        gone = [name for name in made if name not in wanted]
        self._remove(gone, builder)
        list(self.output_map.values())

    def demolish(self, builder: Builder) -> None:
        """Remove every resource that the template does not retain, the last made first."""
        left = self._remove(list(self.resource_map.made()), builder)
        self.become("DELETE_FAILED" if left else "DELETE_COMPLETE", _left(left))

    def _make(self, name: str, builder: Builder, replacing: Resource | None = None) -> None:
        said = self.resource_map.raw(name)
        resource = Resource(name, said["Type"], {}, deletion_policy=said.get("DeletionPolicy", ""))
        self._tell(resource, "CREATE_IN_PROGRESS")
        kind = self._kind_or_failure(resource)
        try:
            resource.properties = self._named(kind, name, said["Type"])
            self._refuse_same_name(kind, resource, replacing)
            self.resource_map.add(resource)
            builder.create(kind, resource)
        except Exception as error:
            if replacing is not None:
                builder.delete(kind, resource, None)
                self.resource_map.add(replacing)
            self._tell(resource, "CREATE_FAILED", _reason(error))
            raise Failed(f"The following resource(s) failed to create: [{name}].") from error
        self._tell(resource, "CREATE_COMPLETE")

    def _kind_or_failure(self, resource: Resource) -> Kind:
        try:
            return _kind_of(resource.cf_resource_type)
        except Failed as error:
            self._tell(resource, "CREATE_FAILED", str(error))
            name = resource.logical_resource_id
            raise Failed(f"The following resource(s) failed to create: [{name}].") from error

    def _change(self, resource: Resource, builder: Builder) -> None:
        kind, name = _kind_of(resource.cf_resource_type), resource.logical_resource_id
        said = self.resource_map.raw(name)
        resource.deletion_policy = said.get("DeletionPolicy", "")
        wanted = self._named(kind, name, said["Type"], resource)
        if said["Type"] == resource.cf_resource_type and wanted == resource.properties:
            return
        self._tell(resource, "UPDATE_IN_PROGRESS")
        try:
            if said["Type"] == resource.cf_resource_type and builder.update(kind, resource, wanted):
                self._tell(resource, "UPDATE_COMPLETE")
                return
            self._make(name, builder, replacing=resource)
            builder.delete(kind, resource, None)
        except Exception as error:
            self._tell(resource, "UPDATE_FAILED", _reason(error))
            raise Failed(f"The following resource(s) failed to update: [{name}].") from error

    def _named(self, kind: Kind, name: str, type_: str, made: Resource | None = None) -> dict[str, Any]:
        """The properties, with a name of CloudFormation's making if the template has none; a made one keeps its own."""
        properties = self.resource_map.properties(name)
        if kind.name and kind.name not in properties:
            own = made.properties.get(kind.name) if made else None
            properties[kind.name] = own or _fit(type_, generate_resource_name(type_, self.name, name))
        return properties

    @staticmethod
    def _refuse_same_name(kind: Kind, resource: Resource, replacing: Resource | None) -> None:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-resource-property-name.html"""
        name = resource.properties.get(kind.name) if kind.name else None
        if replacing is not None and name and replacing.properties.get(kind.name) == name:
            raise Failed(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing."
                f" Rename {name} and update the stack again."
            )

    def _remove(self, names: list[str], builder: Builder, *, keep: bool = True) -> list[str]:
        """Those of ``names`` that could not be removed. ``keep``: as the DeletionPolicy says."""
        made = self.resource_map.made()
        return [name for name in reversed(names) if not self._removed(made[name], builder, keep=keep)]

    def _removed(self, resource: Resource, builder: Builder, *, keep: bool) -> bool:
        kind = _kind_of(resource.cf_resource_type)
        if keep and resource.deletion_policy.startswith("Retain"):
            self._tell(resource, "DELETE_SKIPPED")
        else:
            self._tell(resource, "DELETE_IN_PROGRESS")
            try:
                builder.delete(kind, resource, self._final(kind, resource) if keep else None)
            except Exception as error:  # noqa: BLE001 - the other resources are still to be removed
                self._tell(resource, "DELETE_FAILED", _reason(error))
                return False
            self._tell(resource, "DELETE_COMPLETE")
        self.resource_map.remove(resource.logical_resource_id)
        return True

    def _final(self, kind: Kind, resource: Resource) -> str | None:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html"""
        policy = resource.deletion_policy
        if policy == "Snapshot" or (not policy and kind.snapshot(resource.properties)):
            name = generate_resource_name("", self.name, f"snapshot-{resource.logical_resource_id}")
            return name.lower()[:63]
        return None

    def _tell(self, resource: Resource, status: str, reason: str | None = None) -> None:
        resource.status, resource.reason = status, reason
        event = Event(
            stack_id=self.stack_id,
            stack_name=self.name,
            logical_resource_id=resource.logical_resource_id,
            physical_resource_id=resource.physical_resource_id,
            resource_type=resource.cf_resource_type,
            resource_status=status,
            resource_status_reason=reason,
            resource_properties=None,
        )
        event.sendToSns(self.account_id, self.region_name, self.notification_arns)
        self.events.append(event)


def _kind_of(type_: str) -> Kind:
    if type_ not in KINDS:
        raise Failed(f"the resource type {type_} is not simulated by this cloud")
    return KINDS[type_]


def _fit(type_: str, name: str) -> str:
    """Lower case where the service wants it, and short enough."""
    lower = type_.startswith(("AWS::RDS::", "AWS::S3::"))
    return (name.lower() if lower else name)[:63]


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _left(names: list[str]) -> str | None:
    return f"The following resource(s) failed to delete: [{', '.join(names)}]." if names else None
