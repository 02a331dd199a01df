"""Creating and changing custom domain names as API Gateway accepts it, where moto does not.

Sources: CreateDomainName, CreateBasePathMapping and "Patch operations"
(https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html); hosted zones of regional names: "Amazon API
Gateway endpoints and quotas" (https://docs.aws.amazon.com/general/latest/gr/apigateway.html).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.apigateway.exceptions import (
    BadRequestException,
    BasePathConflictException,
    BasePathNotFoundException,
    DomainNameNotFound,
)
from moto.apigateway.models import APIGatewayBackend, BasePathMapping, DomainName
from moto.apigateway.responses import APIGatewayResponse

from drillbook.embedded.front_door.custom_domains import ROOT
from drillbook.events import Json

HOSTED_ZONES = {
    "af-south-1": "Z2DHW2332DAMTN", "ap-east-1": "Z3FD1VL90ND7K5", "ap-northeast-1": "Z1YSHQZHG15GKL",
    "ap-northeast-2": "Z20JF4UZKIW1U8", "ap-northeast-3": "Z22ILHG95FLSZ2", "ap-south-1": "Z3VO1THU9YC4UR",
    "ap-south-2": "Z0853509Q1135NJ66RUH", "ap-southeast-1": "ZL327KTPIQFUL", "ap-southeast-2": "Z2RPCDW04V8134",
    "ap-southeast-3": "Z10132843TYUYSLUG4HA3", "ap-southeast-4": "Z092189423Y7RJK61311D",
    "ap-southeast-5": "Z0314042F0KBUTZ3X5HF", "ca-central-1": "Z19DQILCV0OWEC", "ca-west-1": "Z04745493436AWVTG1OQY",
    "eu-central-1": "Z1U9ULNL0V5AJ3", "eu-central-2": "Z09222482MK253X48U76H", "eu-north-1": "Z3UWIKFBOOGXPP",
    "eu-south-1": "Z3BT4WSQ9TDYZV", "eu-south-2": "Z02499852UI5HEQ5JVWX3", "eu-west-1": "ZLY8HYME6SFDD",
    "eu-west-2": "ZJ5UAJN8Y3Z2Q", "eu-west-3": "Z3KY65QIEKYHQQ", "il-central-1": "Z07264553HBI44N5X2CKP",
    "me-central-1": "Z08780021BKYYY8U0YHTV", "me-south-1": "Z20ZBPC0SS8806", "sa-east-1": "ZCMLWB8V5SYIT",
    "us-east-1": "Z1UJRXOUMOOFQ8", "us-east-2": "ZOJJZC49E0EPZ", "us-west-1": "Z2MUQ32089INYE",
    "us-west-2": "Z2OJLYMUO9EFXC",
}  # fmt: skip
_EDGE_ONLY = ("distributionDomainName", "distributionHostedZoneId")
_REGIONAL_ONLY = ("regionalDomainName", "regionalHostedZoneId")
_PATCHES = ("/basePath", "/restapiId", "/stage")


def create_domain_name(original: Callable[..., DomainName]) -> Callable[..., DomainName]:
    """CreateDomainName that refuses a name which is there, and names the region's own hosted zone."""

    def create(backend: APIGatewayBackend, domain_name: str, *settings: Any, **named: Any) -> DomainName:
        name = (domain_name or "").lower()
        if name in backend.domain_names:
            raise BadRequestException("The domain name you provided already exists.")
        domain = original(backend, name, *settings, **named)
        domain.regional_hosted_zone_id = HOSTED_ZONES.get(backend.region_name, domain.regional_hosted_zone_id)
        return domain

    return create


def domain_as_json(original: Callable[..., dict[str, Json]]) -> Callable[..., dict[str, Json]]:
    """A regional name has no distribution, an edge-optimized one no regional host."""

    def as_json(domain: DomainName) -> dict[str, Json]:
        types = (domain.endpoint_configuration or {}).get("types") or ["EDGE"]
        absent = _EDGE_ONLY if "REGIONAL" in types else _REGIONAL_ONLY
        return {name: value for name, value in original(domain).items() if name not in absent}

    return as_json


_SETTINGS = {
    "/certificateArn": "certificate_arn",
    "/certificateName": "certificate_name",
    "/regionalCertificateArn": "regional_certificate_arn",
    "/regionalCertificateName": "regional_certificate_name",
    "/securityPolicy": "security_policy",
}


def update_domain_name(request: APIGatewayResponse) -> str:
    """UpdateDomainName. An edge-optimized name becomes a regional one, or the other way round, by
    ``/endpointConfiguration/types/EDGE`` (the present type); its host names stay."""
    domain = request.backend.get_domain_name(request.path.split("/")[2])
    operations = request._get_param("patchOperations") or []
    for operation in operations:
        _refuse_setting(operation)
    for operation in operations:
        path, value = operation["path"], operation.get("value")
        if path in _SETTINGS:
            setattr(domain, _SETTINGS[path], value)
        else:
            domain.endpoint_configuration = {**(domain.endpoint_configuration or {}), "types": [value]}
    return json.dumps(domain.to_json())


def _refuse_setting(operation: dict[str, Any]) -> None:
    path, op = str(operation.get("path", "")), operation.get("op")
    where = f"Invalid patch path '{path}' specified for op '{op}'."
    if path not in _SETTINGS and not path.startswith("/endpointConfiguration/types/"):
        raise BadRequestException(f"{where} Must be one of: [{', '.join(_SETTINGS)}]")
    if op != "replace":
        raise BadRequestException(f"{where} Please choose supported operations")


def delete_domain_name(original: Callable[..., None]) -> Callable[..., None]:
    """A name's mappings go with it."""

    def delete(backend: APIGatewayBackend, domain_name: str) -> None:
        original(backend, domain_name)
        backend.base_path_mappings.pop(domain_name, None)

    return delete


def create_base_path_mapping(original: Callable[..., BasePathMapping]) -> Callable[..., BasePathMapping]:
    """CreateBasePathMapping that does not replace the root's mapping."""

    def create(
        backend: APIGatewayBackend, domain_name: str, rest_api_id: str, base_path: str, stage: str
    ) -> BasePathMapping:
        if (base_path or ROOT) in (backend.base_path_mappings.get(domain_name) or {}):
            raise BasePathConflictException
        return original(backend, domain_name, rest_api_id, base_path, stage)

    return create


def existing_base_path(original: Callable[..., Any]) -> Callable[..., Any]:
    """Get-, Update- and DeleteBasePathMapping of what is not there answer 404."""

    def call(backend: APIGatewayBackend, domain_name: str, base_path: str, *arguments: Any) -> Any:
        if domain_name not in backend.domain_names:
            raise DomainNameNotFound
        if base_path not in (backend.base_path_mappings.get(domain_name) or {}):
            raise BasePathNotFoundException
        return original(backend, domain_name, base_path, *arguments)

    return call


def update_base_path_mapping(original: Callable[..., BasePathMapping]) -> Callable[..., BasePathMapping]:
    """UpdateBasePathMapping that refuses wrong patch paths and a base path that is taken."""

    def update(
        backend: APIGatewayBackend, domain_name: str, base_path: str, patch_operations: list[dict[str, Any]]
    ) -> BasePathMapping:
        for operation in patch_operations:
            check_patch(operation)
            taken = operation["path"] == "/basePath" and operation["value"] in backend.base_path_mappings[domain_name]
            if taken and operation["value"] != base_path:
                raise BasePathConflictException
        return original(backend, domain_name, base_path, patch_operations)

    return existing_base_path(update)


def check_patch(operation: dict[str, Any]) -> None:
    """Raises BadRequestException unless this replaces something that a mapping has."""
    path, op = operation.get("path"), operation.get("op")
    where = f"Invalid patch path '{path}' specified for op '{op}'."
    if op != "replace":
        raise BadRequestException(f"{where} Please choose supported operations")
    if path not in _PATCHES:
        raise BadRequestException(f"{where} Must be one of: [{', '.join(_PATCHES)}]")
