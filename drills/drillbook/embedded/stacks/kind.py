"""What CloudFormation does for one type of resource: which calls of its service, with what.

Resources are made through the AWS API of this same cloud, so they are what that API makes: true, and with its errors.
Expressions are JMESPath (https://jmespath.org) over ``id`` (the physical id), ``properties``, ``answer`` (of the create
or describe call), ``final`` (the name of a final snapshot, or null), ``account`` and ``region``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath

Properties = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One operation of the API. ``given``: its parameters, as an expression or a function of the properties; what is
    null is left out."""

    operation: str
    given: str | Callable[[Properties], Properties] = ""

    def parameters(self, **context: Any) -> dict[str, Any]:
        if callable(self.given):
            return self.given(context["properties"])
        found: dict[str, Any] = _without_nulls(jmespath.search(self.given, context)) if self.given else {}
        return found


@dataclass(frozen=True)
class Later:
    """A property that is set by a call of its own, after the resource exists; it can be changed without replacement."""

    property: str
    call: Call
    shape: Callable[[Any], Any] = field(default=lambda value: value)
    off: Any = None
    """What takes its place when a template no longer has the property; None: it cannot be taken away."""
    each: bool = False
    """One call for each value of the list."""
    part: str = ""
    """One call for each value of the list that the property has under this name."""
    unset: Call | None = None
    """What must be called, again for each value, before the resource can be deleted."""

    def values(self, value: Any) -> list[Any]:
        if self.part:
            return list(value.get(self.part, []))
        return list(value) if self.each else [value]


@dataclass(frozen=True)
class Kind:
    """One type of resource."""

    service: str
    create: str | Callable[[Properties], str]
    """The operation; it gets all properties but those set later."""
    identity: str | Callable[[dict[str, Any]], str]
    """The physical id, which Ref answers: an expression, or a function of the create call's answer."""
    delete: Call
    name: str = ""
    """The property that CloudFormation fills in if the template does not name the resource."""
    shape: Callable[[Properties], Properties] = field(default=lambda properties: properties)
    """Properties as parameters, where they differ by more than case and type."""
    given: str = ""
    """Parameters of the create call that are no properties."""
    update: str = ""
    """The operation that changes it in place."""
    keep: frozenset[str] = frozenset()
    """Properties that no update may change: the resource is replaced."""
    update_given: str | Callable[[Properties], Properties] = ""
    """What the update is given besides the properties that changed."""
    later: tuple[Later, ...] = ()
    describe: Call | None = None
    ready: str = ""
    """True of the describe call's answer once the resource can be used."""
    failed: str = ""
    attributes: str = "`{}`"
    """What Fn::GetAtt answers."""
    ignored: frozenset[str] = frozenset()
    """Properties of CloudFormation's own that no call gets (when to snapshot, what to delete with it)."""
    snapshot: Callable[[Properties], bool] = field(default=lambda _: False)
    """Is a final snapshot made when the template has no DeletionPolicy?"""

    def operation(self, properties: Properties) -> str:
        return self.create if isinstance(self.create, str) else self.create(properties)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


@dataclass
class Resource:
    """A resource of a stack, as moto's CloudFormation wants to see it."""

    logical_resource_id: str
    cf_resource_type: str
    properties: Properties
    physical_resource_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = "CREATE_IN_PROGRESS"
    reason: str | None = None
    deletion_policy: str = ""

    def get_cfn_attribute(self, name: str) -> Any:
        """Fn::GetAtt. Raises moto's error for an attribute that the type does not have."""
        from moto.cloudformation.exceptions import UnsupportedAttribute

        if self.attributes.get(name) is None:
            raise UnsupportedAttribute(resource=self.logical_resource_id, attr=name)
        return self.attributes[name]

    def is_created(self) -> bool:
        return self.status.endswith("_COMPLETE")
