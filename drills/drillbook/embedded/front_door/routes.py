"""What a deployment of a REST API serves: a snapshot of its resources, and how a request finds its way in it.

Changing a resource is not visible before a new deployment. Source: "Deploy REST APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from moto.apigateway.models import Integration, RestAPI


@dataclass(frozen=True)
class Route:
    """One method of one resource, as it was deployed."""

    resource_id: str
    resource: str
    """``/products/{key}``"""
    method: str
    """A verb or ANY."""
    integration: Integration
    api_key_required: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        return segments(self.resource)


@dataclass(frozen=True)
class Match:
    route: Route
    parameters: dict[str, str]


def segments(path: str) -> tuple[str, ...]:
    """The parts of a path. A slash at the end makes no difference to API Gateway."""
    return tuple(path.strip("/").split("/")) if path.strip("/") else ()


def snapshot(api: RestAPI) -> tuple[Route, ...]:
    """Everything that has an integration, copied: later changes of the API do not reach it."""
    return tuple(
        Route(
            resource.id,
            resource.get_path(),
            verb,
            copy.deepcopy(method.method_integration),
            bool(method.api_key_required),
        )
        for resource in api.resources.values()
        for verb, method in resource.resource_methods.items()
        if method.method_integration is not None
    )


def find(routes: Sequence[Route], method: str, raw_path: str) -> Match | None:
    """The route for a request: literal segments win over ``{one}``, that wins over ``{rest+}``; a verb wins over ANY.

    ``raw_path`` is still percent-encoded, so that an encoded slash stays inside its segment.
    """
    asked = segments(raw_path)
    fitting = [route for route in routes if route.method in (method, "ANY") and _parameters(route, asked) is not None]
    if not fitting:
        return None
    best = min(fitting, key=lambda route: ([_rank(part) for part in route.parts], route.method == "ANY"))
    return Match(best, _parameters(best, asked) or {})


def _parameters(route: Route, asked: tuple[str, ...]) -> dict[str, str] | None:
    """What the path parameters stand for, or None if the path is not this route's."""
    parts, found = route.parts, {}
    if parts and parts[-1].endswith("+}"):
        if len(asked) < len(parts):
            return None
        found[parts[-1][1:-2]] = unquote("/".join(asked[len(parts) - 1 :]))
        parts, asked = parts[:-1], asked[: len(parts) - 1]
    if len(parts) != len(asked):
        return None
    for part, given in zip(parts, asked, strict=True):
        if part.startswith("{"):
            found[part[1:-1]] = unquote(given)
        elif part != unquote(given):
            return None
    return found


def _rank(part: str) -> int:
    if not part.startswith("{"):
        return 0
    return 2 if part.endswith("+}") else 1
