"""A template's properties as the parameters of an API operation, by the operation's own model.

CloudFormation writes ``PathPart`` where the API says ``pathPart``, lets numbers and booleans be strings, and tags be
lists where the API wants a map. A property that the operation does not have is refused: a template whose properties
are dropped in silence makes resources that are not what it says.
"""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


class NotSimulated(Exception):
    """The template asks for something that this cloud does not have. Says what."""


def fitted(value: Any, shape: Shape, where: str) -> Any:
    """``value`` as ``shape`` wants it; ``where`` names it in errors. Raises NotSimulated for an unknown property."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return _structure(value, shape, where)
    if isinstance(shape, MapShape) and isinstance(value, list):
        return {str(each["Key"]): str(each["Value"]) for each in value}
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: fitted(each, shape.value, f"{where}.{key}") for key, each in value.items()}
    if isinstance(shape, ListShape):
        values = value if isinstance(value, list) else [value]
        return [fitted(each, shape.member, where) for each in values]
    return _scalar(value, shape, where)


def _structure(value: dict[str, Any], shape: StructureShape, where: str) -> dict[str, Any]:
    members = {name.lower(): name for name in shape.members}
    result = {}
    for key, each in value.items():
        name = members.get(key.lower()) or members.get(f"tag{key}".lower())
        if name is None:
            raise NotSimulated(f"the property {where}.{key} is not simulated")
        result[name] = fitted(each, shape.members[name], f"{where}.{key}")
    return result


def _scalar(value: Any, shape: Shape, where: str) -> Any:
    try:
        match shape.type_name:
            case "string":
                return str(value).lower() if isinstance(value, bool) else str(value)
            case "boolean":
                return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
            case "integer" | "long":
                return int(value)
            case "float" | "double":
                return float(value)
    except (KeyError, TypeError, ValueError) as error:
        raise NotSimulated(f"the property {where} cannot be {value!r}: a {shape.type_name} is expected") from error
    return value
