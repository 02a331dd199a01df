"""What a service answers that is unavailable or throttled, in its own words and protocol; and how it is slow.

Sources: each service's "Common errors" (for example https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html:
ServiceUnavailable 503, ThrottlingException 400) and the errors of its operations; DynamoDB, "Error handling"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html); S3, "Error responses"
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html); EC2, "Error codes"
(https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html); "Smithy RPC v2 CBOR"
(https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from drillbook.embedded.domains import ServiceFault
from drillbook.embedded.serving import StartResponse

_DATA_PLANE = {
    "BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems",
    "TransactWriteItems", "UpdateItem",
}  # fmt: skip
"""Of DynamoDB: throttled by the table's throughput; its other operations by the account's request rate."""


@dataclass(frozen=True)
class Error:
    code: str
    status: int
    message: str


_BUSY = "The request has failed due to a temporary failure of the server."
_RATE = "Rate exceeded"
_UNAVAILABLE = {
    "apigateway": Error("ServiceUnavailableException", 503, _BUSY),
    "backup": Error("ServiceUnavailableException", 503, _BUSY),
    "ec2": Error("Unavailable", 503, "The server is overloaded and can't handle the request."),
    "eks": Error("ServiceUnavailableException", 503, _BUSY),
    "execute-api": Error("ServiceUnavailableException", 503, "Service Unavailable"),
    "lambda": Error("ServiceUnavailableException", 503, _BUSY),
    "logs": Error("ServiceUnavailableException", 503, "The service cannot complete the request."),
    "s3": Error("ServiceUnavailable", 503, "Service is unable to handle request."),
}
_THROTTLED = {
    "apigateway": Error("TooManyRequestsException", 429, "Too Many Requests"),
    "ec2": Error("RequestLimitExceeded", 503, "Request limit exceeded."),
    "eks": Error("ThrottlingException", 429, _RATE),
    "execute-api": Error("TooManyRequestsException", 429, "Too Many Requests"),
    "lambda": Error("TooManyRequestsException", 429, "Rate Exceeded."),
    "s3": Error("SlowDown", 503, "Please reduce your request rate."),
}
_THROUGHPUT = Error(
    "ProvisionedThroughputExceededException",
    400,
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning "
    "level with the UpdateTable API.",
)


def strikes(fault: ServiceFault) -> bool:
    """Is this request one of the share that is hit?"""
    return random.random() < fault.share


def answer(fault: ServiceFault, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """The service's own refusal. ``fault`` is not of kind ``slow``."""
    protocol = _protocol(fault.service, environ)
    error = _error(fault, environ, protocol)
    request_id = str(uuid.uuid4())
    headers, body = _SHAPES[protocol](error, request_id)
    headers += [("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id)]
    start_response(f"{error.status} {HTTPStatus(error.status).phrase}", headers)
    return [body]


def _error(fault: ServiceFault, environ: dict[str, Any], protocol: str) -> Error:
    if fault.kind == "unavailable":
        return _UNAVAILABLE.get(fault.service, Error("ServiceUnavailable", 503, _BUSY))
    operation = str(environ.get("HTTP_X_AMZ_TARGET", "")).partition(".")[2]
    if fault.service == "dynamodb" and operation in _DATA_PLANE:
        return _THROUGHPUT
    common = Error("Throttling" if protocol == "query" else "ThrottlingException", 400, _RATE)
    return _THROTTLED.get(fault.service, common)


def _protocol(service: str, environ: dict[str, Any]) -> str:
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        return "cbor"
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    if service in ("s3", "ec2"):
        return service
    form = str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")
    if form or "Action=" in environ.get("QUERY_STRING", "") or service in ("route53", "cloudfront"):
        return "query"
    return "rest-json"


_Shape = tuple[list[tuple[str, str]], bytes]


def _json(error: Error, _: str) -> _Shape:
    told = {"__type": error.code, "message": error.message}
    return [("Content-Type", "application/x-amz-json-1.0")], json.dumps(told).encode()


def _rest_json(error: Error, _: str) -> _Shape:
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error.code)]
    return headers, json.dumps({"message": error.message}).encode()


def _cbor(error: Error, _: str) -> _Shape:
    """A map of two texts: ``__type`` and ``message``."""
    pairs = {"__type": error.code, "message": error.message}
    body = bytes([0xA0 + len(pairs)]) + b"".join(_cbor_text(text) for pair in pairs.items() for text in pair)
    return [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")], body


def _cbor_text(text: str) -> bytes:
    return b"\x79" + len(text.encode()).to_bytes(2, "big") + text.encode()


def _query(error: Error, request_id: str) -> _Shape:
    kind = "Receiver" if error.status >= 500 else "Sender"
    told = f"<Error><Type>{kind}</Type>{_told(error)}</Error><RequestId>{request_id}</RequestId>"
    return _xml(f"<ErrorResponse>{told}</ErrorResponse>")


def _ec2(error: Error, request_id: str) -> _Shape:
    told = f"<Errors><Error>{_told(error)}</Error></Errors><RequestID>{request_id}</RequestID>"
    return _xml(f"<Response>{told}</Response>")


def _s3(error: Error, request_id: str) -> _Shape:
    return _xml(f"<Error>{_told(error)}<RequestId>{request_id}</RequestId></Error>")


def _told(error: Error) -> str:
    return f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"


def _xml(content: str) -> _Shape:
    return [("Content-Type", "text/xml")], f'<?xml version="1.0" encoding="UTF-8"?>\n{content}'.encode()


_SHAPES: dict[str, Callable[[Error, str], _Shape]] = {
    "cbor": _cbor,
    "ec2": _ec2,
    "json": _json,
    "query": _query,
    "rest-json": _rest_json,
    "s3": _s3,
}
