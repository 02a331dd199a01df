"""Requests that no service of AWS would look into, because their form is wrong, are refused as AWS refuses them.

The services in ``REFUSALS`` are asked about every request but DynamoDB's quick ones. Of any other service, and of
those, a request is looked at when moto failed at it: then a wrong form is the client's fault, and not the cloud's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice
from typing import Any
from unittest import mock

from botocore.exceptions import BotoCoreError
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model

from drillbook.embedded.forms.constraints import Breach, breaches
from drillbook.embedded.planes import CloudState
from drillbook.events import Json

REFUSALS: dict[str, tuple[str, str, str]] = {
    "apigateway": ("BadRequestException", "SerializationException", "ValidationException"),
    "cloudfront": ("MalformedInput", "MalformedInput", "InvalidArgument"),
    "dynamodb": ("ValidationException", "SerializationException", "ValidationException"),
    "lambda": ("ValidationException", "SerializationException", "ValidationException"),
    "route53": ("InvalidInput", "InvalidInput", "InvalidInput"),
}
"""The error codes for a member that is missing, is of a wrong type, or breaks a constraint. "Common errors" of each
service, for example https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html"""
_JSON = ("ValidationException", "SerializationException", "ValidationException")
_QUERY = ("ValidationError", "MalformedInput", "ValidationError")
_QUICK = {"PutItem", "GetItem", "UpdateItem", "DeleteItem"}
_TOLD = 10


class Malformed(ServiceException):
    """The form of a request is wrong."""


def plane() -> Forms:
    return Forms()


class Forms:
    """The plane. moto's own classes refuse while it is installed."""

    name = "forms"

    def __init__(self) -> None:
        self._undo = ExitStack()
        self.refused = 0

    def install(self, cloud: CloudState) -> None:
        del cloud
        for name, replacement in (
            ("_dispatch", self._refusing(BaseResponse._dispatch)),
            ("call_action", _checking(BaseResponse.call_action)),
            ("parse_parameters", _parsing(BaseResponse.parse_parameters)),
        ):
            self._undo.enter_context(mock.patch.object(BaseResponse, name, replacement))

    def status(self) -> dict[str, Json]:
        return {"refused": self.refused}

    def close(self) -> None:
        self._undo.close()

    def _refusing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def dispatch(api: BaseResponse, *args: Any, **named: Any) -> Any:
            try:
                return original(api, *args, **named)
            except Malformed as error:
                refusal = error
            except NotImplementedError:
                raise
            except Exception as error:
                found = _wrong(api)
                if found is None:
                    raise
                refusal = found
                refusal.__cause__ = error
            self.refused += 1
            return api.serialized(ActionResult(refusal))

        return dispatch


def _checking(original: Callable[..., Any]) -> Callable[..., Any]:
    def call_action(api: BaseResponse) -> Any:
        if api.boto3_service_name in REFUSALS and api._get_action() not in _QUICK and (refusal := _wrong(api)):
            raise refusal
        return original(api)

    return call_action


def _parsing(original: Callable[..., Any]) -> Callable[..., Any]:
    def parse(api: BaseResponse, request: Any) -> None:
        """moto reads numbers and structures as it finds them, and fails at what is none."""
        try:
            original(api, request)
        except (ValueError, TypeError, AttributeError) as error:
            _, code, _ = _codes(api)
            raise Malformed(code, "The request could not be deserialized") from error

    return parse


def _wrong(api: BaseResponse) -> Malformed | None:
    """How this request is to be refused; None if its form is right, or nobody knows."""
    try:
        shape = get_service_model(api.boto3_service_name).operation_model(api._get_action()).input_shape
        found = list(islice(breaches(shape, _parameters(api)), _TOLD))
    except (BotoCoreError, LookupError, AttributeError):  # No such service or operation; parts that are no request.
        return None
    return _refusal(api, found) if found else None


def _parameters(api: BaseResponse) -> Any:
    """The request as the model has it; moto reads some services' requests in other ways of its own."""
    if api.automated_parameter_parsing:
        return api.params
    kept = vars(api).get("params")
    try:
        api.parse_parameters(api.normalized_request)
        return api.params
    finally:
        vars(api).pop("params", None) if kept is None else vars(api).update(params=kept)


def _refusal(api: BaseResponse, found: list[Breach]) -> Malformed:
    missing, wrong_type, constraint = _codes(api)
    code = {"missing": missing, "type": wrong_type, "constraint": constraint}[found[0].kind]
    if api.boto3_service_name == "lambda" and found[0].path == "runtime":
        code = "InvalidParameterValueException"
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
    return Malformed(code, count + "; ".join(map(str, found)))


def _codes(api: BaseResponse) -> tuple[str, str, str]:
    protocol = get_service_model(api.boto3_service_name).metadata.get("protocol", "")
    return REFUSALS.get(api.boto3_service_name, _QUERY if protocol in ("query", "ec2") else _JSON)
