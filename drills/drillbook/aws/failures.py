"""What a failed AWS call means: try again, fix something, or the target is not there at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drillbook.errors import DrillBroken, PermanentError, TargetError, TemporaryError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_TEMPORARY = frozenset({
    "InternalError", "InternalFailure", "InternalServerError", "LimitExceededException",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestTimeout",
    "RequestTimeoutException", "ResourceConflictException", "ResourceInUseException", "ServiceException",
    "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException", "ThrottledException",
    "TooManyRequestsException", "TransactionConflict", "TransactionConflictException",
    "TransactionInProgressException", "TableInUseException",
})  # fmt: skip
"""Codes that go away by themselves (AWS: "Common errors", and each service's "Error handling" page)."""

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY = frozenset({
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "InvalidSignatureException", "AuthFailure", "MissingAuthenticationToken",
})  # fmt: skip
_DENIED = frozenset({
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationErrorException", "Forbidden",
})  # fmt: skip
_GONE = frozenset({"NoSuchBucket", "NoSuchKey", "NoSuchVersion", "NotFound", "NotFoundException", "404"})
_WHO_AND_WHAT = re.compile(r"(?:User: (?P<who>\S+) )?is not authorized to perform: (?P<action>[\w:-]+)")


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Calls in this block are made to ``what`` (``restore products to 12:00``).

    Raises TemporaryError, PermanentError or TargetError in place of botocore's errors.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translate(error, what) from error


def translate(error: BotoCoreError | ClientError, what: str) -> DrillBroken:
    """botocore's ``error``, met when trying to ``what``, as one of ours; AWS's code is kept."""
    from botocore.exceptions import ClientError

    return _refusal(error, what) if isinstance(error, ClientError) else _no_answer(error, what)


def code_of(error: ClientError) -> str:
    """AWS's error code, such as ``ThrottlingException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refusal(error: ClientError, what: str) -> DrillBroken:
    """The target answered, with an error."""
    code = code_of(error)
    message = error.response.get("Error", {}).get("Message", "") or "no message"
    said = f"could not {what}: {error.operation_name} answered {code}: {message}"
    if _is_temporary(error, code):
        return TemporaryError(said, code=code, do="it may pass: try again in a moment")
    return PermanentError(said, code=code, do=_advice(code, message))


def _is_temporary(error: ClientError, code: str) -> bool:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    if reasons:
        blamed = {reason.get("Code", "None") for reason in reasons} - {"None"}
        return bool(blamed) and blamed <= {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _TEMPORARY or status >= 500 or status == 429


def _advice(code: str, message: str) -> str:
    if code in _EXPIRED:
        return "the credentials have expired: sign in again (for SSO: aws sso login), then run the drill again"
    if code in _UNKNOWN_KEY:
        return "the target does not know these credentials: check AWS_PROFILE and the target's account"
    if code in _DENIED:
        return _missing_permission(message)
    if code in _GONE or "NotFound" in code or "DoesNotExist" in code or "NoSuch" in code:
        return "check the name, the region and the account in service.yaml"
    if "ConditionalCheckFailed" in code or "PreconditionFailed" in code:
        return "something else changed it meanwhile: look at it, then run the step again"
    return "the request is wrong for this resource: correct the settings in service.yaml or the step that makes it"


def _missing_permission(message: str) -> str:
    found = _WHO_AND_WHAT.search(message)
    if not found:
        return "allow the action in the policies of the role that runs the drill"
    return f"allow {found['action']} to {found['who'] or 'the role that runs the drill'}"


def _no_answer(error: BotoCoreError, what: str) -> DrillBroken:
    """The target did not answer, or was never asked."""
    from botocore import exceptions as aws

    name = type(error).__name__
    if isinstance(error, aws.EndpointConnectionError | aws.ConnectTimeoutError | aws.ProxyConnectionError):
        endpoint = getattr(error, "kwargs", {}).get("endpoint_url", "the endpoint")
        return TargetError(
            f"could not {what}: {endpoint} cannot be reached",
            do="start it (embedded: drillbook cloud up), or correct the target's endpoint and the network",
        )
    if isinstance(error, aws.HTTPClientError):
        return TemporaryError(f"could not {what}: {error}", code=name, do="it may pass: try again in a moment")
    return PermanentError(f"could not {what}: {error}", code=name, do=_advice_unasked(error))


def _advice_unasked(error: BotoCoreError) -> str:
    from botocore import exceptions as aws

    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError | aws.CredentialRetrievalError):
        return "give credentials for the target's account, for example by AWS_PROFILE"
    if isinstance(error, aws.SSOError | aws.TokenRetrievalError):
        return "the credentials have expired: sign in again (aws sso login), then run the drill again"
    if isinstance(error, aws.ProfileNotFound):
        return "name an existing profile in AWS_PROFILE"
    return "correct the settings in service.yaml or the step that makes this call"
