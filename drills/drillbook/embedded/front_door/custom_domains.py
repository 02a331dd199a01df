"""Custom domain names: which API and stage a request to ``api.example.com/<base path>/…`` is for.

The same name may exist in several regions; the address by which a request comes picks the region, as DNS does on AWS.
By 127.0.0.1, which stands for every region, it is the first in alphabetical order.

Sources: "Custom domain name for public REST APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html), "Set up a Regional custom
domain name" (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-regional-api-custom-domain-create.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moto.apigateway.models import APIGatewayBackend, BasePathMapping, apigateway_backends

ROOT = "(none)"
"""The base path of a mapping that has none."""


@dataclass(frozen=True)
class Mapped:
    """``stage`` and ``path`` are what the request is for; ``path`` is percent-encoded and begins with a slash."""

    api_id: str
    stage: str
    path: str


def name_of(host: str) -> str:
    """A Host header without its port."""
    return host.partition(":")[0].rstrip(".").lower()


def home(host: str, region: str | None = None) -> APIGatewayBackend | None:
    """Where the custom domain name is kept: in ``region``, or in the first that has it."""
    holders = sorted(_holders(name_of(host)), key=lambda backend: str(backend.region_name))
    return next((backend for backend in holders if region in (None, backend.region_name)), None)


def is_known(host: str) -> bool:
    """Has any region this custom domain name? Cheap for the numeric hosts of API calls."""
    name = name_of(host)
    return not name[-1:].isdigit() and any(True for _ in _holders(name))


def mapped(backend: APIGatewayBackend, host: str, raw_path: str) -> Mapped | None:
    """Where the domain's base path mappings lead: the first segment's, or else the root's."""
    mappings = backend.base_path_mappings.get(name_of(host)) or {}
    first, _, rest = raw_path.lstrip("/").partition("/")
    if first and first in mappings:
        return _below(mappings[first], rest)
    return _below(mappings[ROOT], raw_path.lstrip("/")) if ROOT in mappings else None


def _below(mapping: BasePathMapping, rest: str) -> Mapped:
    """Without a stage in the mapping, the next segment names it."""
    if mapping.stage:
        return Mapped(mapping.rest_api_id, mapping.stage, "/" + rest)
    stage, _, path = rest.partition("/")
    return Mapped(mapping.rest_api_id, stage, "/" + path)


def _holders(name: str) -> Iterator[APIGatewayBackend]:
    for account in list(apigateway_backends.values()):
        yield from (backend for backend in list(account.values()) if name in backend.domain_names)
