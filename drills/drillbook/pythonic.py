"""Calling a service's own Python: any callable, given the world and what it asks for; its errors become ours."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from pydantic import BaseModel, ValidationError

from drillbook import service_code
from drillbook.errors import DrillbookError, OperationError, PermanentError, UsageError
from drillbook.events import Json
from drillbook.placeholders import filled, for_people
from drillbook.probe import Reading
from drillbook.world import World


def call(world: World, reference: str, settings: Mapping[str, Json], *given: object) -> Any:
    """Call ``file.py:name`` with as many of (world, *given) as it takes, and ``settings`` by keyword.

    Raises UsageError if it cannot be loaded or called so, a DrillbookError of its own unchanged, and PermanentError
    naming file and line for anything else.
    """
    function = service_code.load(world.service.folder, reference)
    if not callable(function):
        raise UsageError(f"{reference} is not callable", do="name a function or a class")
    keywords = filled(world, dict(settings))
    positional = _taken(reference, function, (world, *given), keywords)
    with Guard(world, reference):
        return function(*positional, **keywords)


def construct(world: World, factory: Any, name: str, settings: Mapping[str, Json], *, literal: bool = False) -> Any:
    """``factory(world, settings)`` where it has a ``Settings`` model, else ``factory(world, **settings)``.

    ``literal``: settings that have no placeholders, such as a path with a ``{id}`` of its own. Raises UsageError for
    settings it does not take.
    """
    values = dict(settings) if literal else filled(world, dict(settings))
    model: type[BaseModel] | None = getattr(factory, "Settings", None)
    if model is None:
        positional = _taken(name, factory, (world,), values)
        with Guard(world, name):
            return factory(*positional, **values)
    try:
        validated = model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{name}: {where}: {first['msg'].lower()}", do="correct its settings") from None
    with Guard(world, name):
        return factory(world, validated)


def as_reading(result: object, name: str) -> Reading:
    """What a probe or check returned. True and False are themselves; nothing is unknown, which never passes."""
    if isinstance(result, Reading):
        return result
    if isinstance(result, bool):
        return Reading(result, "holds" if result else "does not hold")
    if result is None:
        return Reading(None, f"{name} returned nothing: return a Reading, True or False")
    raise UsageError(f"{name} returned {type(result).__name__}", do="return a Reading, True or False")


def reading_of(look: Callable[[], object], name: str) -> Reading:
    """The reading that ``look`` makes: a failed assertion is a bad one, a failed operation is unknown."""
    try:
        return as_reading(look(), name)
    except OperationError as error:
        if isinstance(error.__cause__, AssertionError):
            return Reading(False, str(error.__cause__) or error.what)
        return Reading(None, error.what)


class Guard:
    """Turns what a service's code raises into a PermanentError that names the line; ours pass, and so do exits."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not isinstance(error, Exception) or isinstance(error, DrillbookError):
            return
        if type(error).__module__.startswith("botocore."):
            self._raise_as_aws_failure(error)
        where = service_code.where(error, self.world.service.folder.resolve())
        said = for_people(self.world, f"{where}: {type(error).__name__}: {error}")
        raise PermanentError(f"{self.name} failed at {said}", do="repair the service's code") from error

    def _raise_as_aws_failure(self, error: Any) -> None:
        from drillbook.aws.failures import translate

        raise translate(error, f"run {self.name}") from error


def _taken(
    name: str, function: Callable[..., object], given: tuple[object, ...], keywords: Mapping[str, Json]
) -> tuple[object, ...]:
    """As many of ``given`` as ``function`` takes by position, once ``keywords`` have theirs."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return given[:1]
    parameters = signature.parameters.values()
    if not any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        free = [
            parameter for parameter in parameters if parameter.kind in by_position and parameter.name not in keywords
        ]
        given = given[: len(free)]
    try:
        signature.bind(*given, **keywords)
    except TypeError as error:
        raise UsageError(f"{name} cannot be called: {error}", do="it gets the world, then its settings") from None
    return given
