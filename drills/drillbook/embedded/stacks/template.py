"""Templates: parameters, conditions and intrinsic functions are moto's; order and references are checked here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap, clean_json

_SUB = re.compile(r"\$\{([A-Za-z0-9]+)\.([A-Za-z0-9.]+)\}")
_PSEUDO = "AWS::"


class Resources(ResourceMap):
    """Made resources by logical id; looking one up does not make it, as it does in moto."""

    def __getitem__(self, key: str) -> Any:
        return self._parsed_resources[key]

    def validate_outputs(self) -> None:
        """Outputs are worked out when the stack is complete."""

    def add(self, resource: Any) -> None:
        self._parsed_resources[resource.logical_resource_id] = resource

    def remove(self, name: str) -> None:
        self._parsed_resources.pop(name, None)

    def made(self) -> dict[str, Any]:
        """Every resource that exists, in the order in which they were made."""
        return {name: found for name, found in self._parsed_resources.items() if hasattr(found, "physical_resource_id")}

    def take(self, template: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Go on with another template. The resources that exist stay."""
        self._template, self.input_parameters = template, parameters
        self._resource_json_map = template["Resources"]
        self.resolved_parameters = {}
        self.load()

    def wanted(self) -> list[str]:
        """The resources whose condition holds, each after those it refers to. Raises ValidationError for a circle."""
        names = [name for name, said in self._resource_json_map.items() if self._holds(said)]
        needs = {name: references(self._resource_json_map[name]) & set(names) for name in names}
        try:
            return list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            circle = ", ".join(sorted(set(error.args[1])))
            raise ValidationError(message=f"Circular dependency between resources: [{circle}]") from error

    def _holds(self, said: dict[str, Any]) -> bool:
        return "Condition" not in said or bool(self.lazy_condition_map[said["Condition"]])

    def raw(self, name: str) -> dict[str, Any]:
        said: dict[str, Any] = self._resource_json_map[name]
        return said

    def properties(self, name: str) -> dict[str, Any]:
        """With every reference to what exists by now worked out."""
        worked_out = clean_json(self.raw(name).get("Properties", {}), self)
        return dict(worked_out)


def normal(template: dict[str, Any]) -> dict[str, Any]:
    """Long forms only: GetAtt as [name, attribute], and no attribute inside Fn::Sub.

    Raises ValidationError, as CreateStack does, for what cannot be a template.
    """
    if not isinstance(template, dict) or not template.get("Resources"):
        message = "Template format error: At least one Resources member must be defined."
        raise ValidationError(message=message)
    whole: dict[str, Any] = _normal(template)
    _check_references(whole)
    return whole


def references(said: Any) -> set[str]:
    """Logical ids that this part of a template refers to."""
    if isinstance(said, dict):
        depends = said.get("DependsOn", [])
        found = {depends} if isinstance(depends, str) else set(depends)
        return found | {name for key, value in said.items() for name in _refers(key, value)}
    if isinstance(said, list):
        return {name for each in said for name in references(each)}
    return set()


def _refers(key: str, value: Any) -> set[str]:
    if key == "Ref":
        return {str(value)}
    if key == "Fn::GetAtt":
        return {str(value[0])}
    if key == "Fn::Sub":
        text, given = (value, {}) if isinstance(value, str) else (value[0], value[1])
        named = {name for name in re.findall(r"\$\{([A-Za-z0-9:]+)\}", text) if name not in given}
        return named | references(given)
    return references(value)


def _check_references(template: dict[str, Any]) -> None:
    known = template["Resources"].keys() | template.get("Parameters", {}).keys()
    used = {name for section in ("Resources", "Outputs") for name in references(template.get(section, {}))}
    if unknown := sorted(name for name in used - known if not name.startswith(_PSEUDO)):
        message = f"Template format error: Unresolved resource dependencies [{', '.join(unknown)}] in the template"
        raise ValidationError(message=message)


def _normal(said: Any) -> Any:
    if isinstance(said, list):
        return [_normal(each) for each in said]
    if not isinstance(said, dict):
        return said
    return {key: value for each in said.items() for key, value in _entries(*each)}


def _entries(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if key == "Fn::GetAtt":
        name, _, attribute = (value if isinstance(value, str) else ".".join(value)).partition(".")
        yield key, [name, attribute]
    elif key == "Fn::Sub":
        text, given = (value, {}) if isinstance(value, str) else value
        attributes = {f"{name}x{rest.replace('.', 'x')}": [name, rest] for name, rest in _SUB.findall(text)}
        plain = _SUB.sub(lambda found: f"${{{found[1]}x{found[2].replace('.', 'x')}}}", text)
        given = {**_normal(given), **{name: {"Fn::GetAtt": list(where)} for name, where in attributes.items()}}
        yield key, [plain, given] if given else plain
    else:
        yield key, _normal(value)
