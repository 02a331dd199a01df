"""What Lambda refuses of a function's settings, and moto takes.

Sources: "CreateFunction" (https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html), "DeleteFunction"
(https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html), "Working with Lambda environment variables"
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction

MOST_VARIABLES = 4096
"""Bytes of all environment variables together."""
_RESERVED = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}  # fmt: skip
_UNABLE = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided"
)


class ResourceConflict(LambdaClientError):
    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ResourceConflictException", message)


def create_function(original: Callable[..., LambdaFunction]) -> Callable[..., LambdaFunction]:
    """CreateFunction that wants code, and for a zip a runtime and a handler, before anything is made."""

    def create(backend: LambdaBackend, spec: dict[str, Any]) -> LambdaFunction:
        refuse_no_code(spec.get("Code") or {})
        zipped = spec.get("PackageType", "Zip") == "Zip"
        if zipped and not (spec.get("Runtime") and spec.get("Handler")):
            raise InvalidParameterValueException(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
        refuse_variables((spec.get("Environment") or {}).get("Variables") or {})
        return original(backend, spec)

    return create


def refuse_no_code(code: dict[str, Any]) -> None:
    if not (code.get("ZipFile") or (code.get("S3Bucket") and code.get("S3Key")) or code.get("ImageUri")):
        raise InvalidParameterValueException("Please provide a source for function code.")


def refuse_variables(variables: dict[str, str]) -> None:
    """Raises InvalidParameterValueException for reserved names, and for more than 4 KB."""
    if taken := sorted(_RESERVED & set(variables)):
        raise InvalidParameterValueException(
            f"{_UNABLE} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(taken)}"
        )
    if len(json.dumps(variables, ensure_ascii=False, separators=(",", ":")).encode()) > MOST_VARIABLES:
        raise InvalidParameterValueException(f"{_UNABLE} exceeded the 4KB limit.")


def delete_function(original: Callable[..., None]) -> Callable[..., None]:
    """DeleteFunction that keeps $LATEST, and versions to which an alias leads."""

    def delete(backend: LambdaBackend, function_name: str, qualifier: str | None = None) -> None:
        if qualifier == "$LATEST":
            raise InvalidParameterValueException("$LATEST version cannot be deleted without deleting the function.")
        if qualifier:
            leading = [
                alias.name
                for alias in backend.list_aliases(backend.get_function(function_name).function_name)
                if qualifier in (alias.function_version, *_weighted(alias.routing_config))
            ]
            if leading:
                raise ResourceConflict(f"Version is pointed to by aliases: {', '.join(leading)}")
        original(backend, function_name, qualifier)

    return delete


def add_permission(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """AddPermission that does not say a statement twice."""

    def add(backend: LambdaBackend, function_name: str, qualifier: str | None, raw: str) -> dict[str, Any]:
        statement = json.loads(raw).get("StatementId")
        function = backend.get_function(function_name, qualifier)
        if any(one.get("Sid") == statement for one in function.policy.statements):
            raise ResourceConflict(f"The statement id ({statement}) provided already exists.")
        return original(backend, function_name, qualifier, raw)

    return add


def _weighted(routing: Any) -> list[str]:
    return list((routing or {}).get("AdditionalVersionWeights") or {})


def account_settings(backend: LambdaBackend, most: int) -> dict[str, Any]:
    """GetAccountSettings. ``most`` concurrent executions, of which functions have reserved some.
    https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html"""
    functions = list(backend.list_functions())
    reserved = sum(int(one.reserved_concurrency or 0) for one in functions)
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": most,
            "UnreservedConcurrentExecutions": most - reserved,
        },
        "AccountUsage": {
            "TotalCodeSize": sum(int(one.code_size or 0) for one in functions),
            "FunctionCount": len(functions),
        },
    }
