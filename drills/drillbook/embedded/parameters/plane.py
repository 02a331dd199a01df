"""The Parameter Store of Systems Manager, where moto does not answer as AWS does.

Labels of what is not there, labels that are not there, and AllowedPattern. The rest of moto's parameters is true.
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest import mock

from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from moto.ssm.models import Parameter, SimpleSystemManagerBackend


def plane() -> Parameters:
    return Parameters()


class Parameters:
    """The plane. All state is moto's."""

    name = "parameters"

    def __init__(self) -> None:
        self._undo = ExitStack()

    def install(self, cloud: CloudState) -> None:  # noqa: ARG002 - a Plane's
        from moto.ssm.models import SimpleSystemManagerBackend as Backend

        for name, replacement in (
            ("label_parameter_version", _of_what_is_there(Backend.label_parameter_version)),
            ("unlabel_parameter_version", _of_what_is_there(Backend.unlabel_parameter_version)),
            ("get_parameter", _get_parameter(Backend.get_parameter)),
            ("put_parameter", _put_parameter(Backend.put_parameter)),
        ):
            self._undo.enter_context(mock.patch.object(Backend, name, replacement))

    def status(self) -> dict[str, Json]:
        from moto.ssm.models import ssm_backends

        backends = [backend for regions in list(ssm_backends.values()) for backend in list(regions.values())]
        return {"parameters": sum(len(backend._parameters) for backend in backends)}

    def close(self) -> None:
        self._undo.close()


def _of_what_is_there(original: Callable[..., Any]) -> Callable[..., Any]:
    """Moto's dictionary would make an empty parameter by being asked for it."""
    from moto.ssm.exceptions import ParameterNotFound

    def of_what_is_there(backend: SimpleSystemManagerBackend, name: str, *args: Any, **named: Any) -> Any:
        if name not in backend._parameters:
            raise ParameterNotFound(f"Parameter {name} not found.")
        return original(backend, name, *args, **named)

    return of_what_is_there


def _get_parameter(original: Callable[..., Parameter | None]) -> Callable[..., Parameter | None]:
    from moto.ssm.exceptions import ParameterVersionNotFound

    def get_parameter(backend: SimpleSystemManagerBackend, name: str) -> Parameter | None:
        found = original(backend, name)
        plain, colon, label = backend._strip_parameter_arn(name).partition(":")
        if found is None and colon and original(backend, plain) is not None:
            raise ParameterVersionNotFound(f"Systems Manager could not find label {label} of {plain}.")
        return found

    return get_parameter


def _put_parameter(original: Callable[..., Parameter]) -> Callable[..., Parameter]:
    from moto.ssm.exceptions import SSMException

    def put_parameter(
        backend: SimpleSystemManagerBackend,
        name: str,
        description: str,
        value: str,
        parameter_type: str,
        allowed_pattern: str | None,
        *args: Any,
        **named: Any,
    ) -> Parameter:
        try:
            fits = not allowed_pattern or re.search(allowed_pattern, value)
        except re.error as error:
            raise SSMException("InvalidAllowedPatternException", f"Not a regular expression: {error}") from error
        if not fits:
            what = f"Parameter value, cannot be validated against allowedPattern: {allowed_pattern}"
            raise SSMException("ParameterPatternMismatchException", what)
        return original(backend, name, description, value, parameter_type, allowed_pattern, *args, **named)

    return put_parameter
