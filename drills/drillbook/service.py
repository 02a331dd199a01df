"""Service files: find them, read them, and say exactly where one is wrong.

Reading connects to nothing and imports no service code, yet checks every reference: a service file that loads can be
planned. A mistake is a LocatedError: ``drills/notes/service.yaml:12:5: unknown key 'probs' — did you mean 'probes'?``
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from drillbook import service_mistakes, service_yaml
from drillbook.errors import LocatedError, UsageError
from drillbook.service_model import (
    Action,
    ConfigurationSpec,
    FaultSpec,
    FrontDoor,
    HttpRequest,
    PlanSpec,
    Rails,
    Sabotage,
    Service,
    StepSpec,
    Target,
)

__all__ = [
    "Action",
    "ConfigurationSpec",
    "FaultSpec",
    "FrontDoor",
    "HttpRequest",
    "PlanSpec",
    "Rails",
    "Sabotage",
    "Service",
    "StepSpec",
    "Target",
    "discover",
    "find",
    "load",
    "mistakes",
]


def load(path: Path) -> Service:
    """The service that ``path`` describes. Raises LocatedError for the first mistake in the file."""
    service, found = _read(path)
    if found or service is None:
        raise found[0]
    return service


def mistakes(path: Path) -> list[LocatedError]:
    """Every mistake in the file, in the order of its lines; none means that it loads."""
    try:
        return _read(path)[1]
    except LocatedError as error:
        return [error]


def discover(root: Path) -> list[Path]:
    """The service files of a repository: ``<root>/drills/*/service.yaml``, sorted."""
    return sorted(root.glob("drills/*/service.yaml"))


def find(root: Path, name: str) -> Service:
    """The service called ``name``, which is also its folder's name.

    Raises UsageError with the nearest name when there is none, LocatedError when its file is wrong.
    """
    files = {path.parent.name: path for path in discover(root)}
    if name not in files:
        raise UsageError(f"there is no service {name!r} in {root / 'drills'}", do=service_yaml.nearest(name, files))
    service = load(files[name])
    if service.name != name:
        document = service_yaml.parse(files[name])
        raise document.mistake(
            ("service",), f"the service {service.name!r} lies in the folder {name!r}", do="rename one"
        )
    return service


def _read(path: Path) -> tuple[Service | None, list[LocatedError]]:
    document = service_yaml.parse(path)
    try:
        service = Service.model_validate(document.data, context=path)
    except ValidationError as error:
        return None, _in_order(service_mistakes.of_shape(document, error))
    return service, _in_order(list(service_mistakes.of_reference(document, service)))


def _in_order(found: list[LocatedError]) -> list[LocatedError]:
    return sorted(found, key=lambda error: (error.line, error.column))
