"""Creating and changing REST APIs and their parts as API Gateway accepts it, where moto takes anything.

Source: the operations of the "Amazon API Gateway Version 1 API Reference"
(https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html and its neighbours): BadRequestException for
what cannot be, ConflictException for what is there already, NotFoundException for what is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.apigateway.exceptions import (
    BadRequestException,
    ConflictException,
    NoIntegrationDefined,
)
from moto.apigateway.models import APIGatewayBackend, Deployment, Method, Resource, RestAPI, Stage

_METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def create_rest_api(original: Callable[..., RestAPI]) -> Callable[..., RestAPI]:
    def create(backend: APIGatewayBackend, name: str, *settings: Any, **named: Any) -> RestAPI:
        if not name:
            raise BadRequestException("API name cannot be empty")
        return original(backend, name, *settings, **named)

    return create


def delete_rest_api(original: Callable[..., RestAPI]) -> Callable[..., RestAPI]:
    def delete(backend: APIGatewayBackend, function_id: str) -> RestAPI:
        backend.get_rest_api(function_id)
        return original(backend, function_id)

    return delete


def add_child(original: Callable[..., Resource]) -> Callable[..., Resource]:
    def add(api: RestAPI, path: str, parent_id: str | None = None) -> Resource:
        siblings = [one for one in api.resources.values() if parent_id and one.parent_id == parent_id]
        if any(one.path_part == path for one in siblings):
            raise ConflictException(f"Another resource with the same parent already has this name: {path}")
        return original(api, path, parent_id)

    return add


def put_method(original: Callable[..., Method]) -> Callable[..., Method]:
    def put(
        backend: APIGatewayBackend, function_id: str, resource_id: str, method_type: str, *settings: Any, **named: Any
    ) -> Method:
        if method_type not in _METHODS:
            raise BadRequestException(
                f"Invalid HttpMethod specified. Valid options are {','.join(sorted(set(_METHODS) - {'ANY'}))}"
            )
        return original(backend, function_id, resource_id, method_type, *settings, **named)

    return put


def create_stage(original: Callable[..., Stage]) -> Callable[..., Stage]:
    def create(api: RestAPI, name: str, deployment_id: str, *settings: Any, **named: Any) -> Stage:
        if deployment_id not in api.deployments:
            raise BadRequestException("Deployment id does not exist")
        return original(api, name, deployment_id, *settings, **named)

    return create


def complete_deployment(original: Callable[..., Deployment]) -> Callable[..., Deployment]:
    def create(backend: APIGatewayBackend, *settings: Any, **named: Any) -> Deployment:
        try:
            return original(backend, *settings, **named)
        except NoIntegrationDefined as error:
            raise BadRequestException(error.message) from None

    return create
