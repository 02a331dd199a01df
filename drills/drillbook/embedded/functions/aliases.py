"""Aliases that split their traffic: what Lambda accepts as a routing configuration.

Source: "Implement Lambda canary deployments using a weighted alias"
(https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html): at most two published versions, which
exist; $LATEST is none. "AliasRoutingConfiguration"
(https://docs.aws.amazon.com/lambda/latest/api/API_AliasRoutingConfiguration.html): a weight is from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.awslambda.exceptions import ConflictException, InvalidParameterValueException, ValidationException
from moto.awslambda.models import LambdaAlias, LambdaStorage

from drillbook.embedded.functions.refusals import ResourceConflict

LATEST = "$LATEST"
Routing = dict[str, Any] | None


def put_alias(original: Callable[..., LambdaAlias]) -> Callable[..., LambdaAlias]:
    """CreateAlias that refuses a routing configuration which could not work."""

    def put(
        storage: LambdaStorage, name: str, function_name: str, function_version: str, description: str, routing: Routing
    ) -> LambdaAlias:
        check(storage, function_name, function_version, routing)
        try:
            return original(storage, name, function_name, function_version, description, routing)
        except ConflictException as error:
            raise ResourceConflict(str(error.message)) from None

    return put


def update_alias(original: Callable[..., LambdaAlias]) -> Callable[..., LambdaAlias]:
    """UpdateAlias that refuses a routing configuration which could not work, the alias's present version included."""

    def update(
        storage: LambdaStorage, name: str, function_name: str, function_version: str, description: str, routing: Routing
    ) -> LambdaAlias:
        alias = storage.get_alias(name, function_name)
        present: Routing = alias.routing_config  # type: ignore[assignment]
        chosen = present if routing is None else routing
        check(storage, function_name, function_version or alias.function_version, chosen)
        return original(storage, name, function_name, function_version, description, routing)

    return update


def check(storage: LambdaStorage, function_name: str, version: str, routing: Routing) -> None:
    """Raises InvalidParameterValueException or ValidationException, and 404 for a version that does not exist."""
    weights: dict[str, float] = (routing or {}).get("AdditionalVersionWeights") or {}
    if not weights:
        return
    if len(weights) > 1:
        raise InvalidParameterValueException("Number of items in AdditionalVersionWeights cannot be greater than 1")
    (other, weight), *_ = weights.items()
    if LATEST in (version, other):
        raise InvalidParameterValueException(f"{LATEST} is not supported for an alias pointing to more than 1 version")
    if other == version:
        raise InvalidParameterValueException(
            f"Invalid function version {other}. Function version {other} is already included in routing configuration."
        )
    if not 0.0 <= float(weight) <= 1.0:
        what = "Member must have value less than or equal to 1.0 and greater than or equal to 0.0"
        raise ValidationException(str(weight), "routingConfig.additionalVersionWeights", what)
    storage.get_function_by_name_or_arn_with_qualifier(function_name, other)
