"""All kinds of resources that can be backed up here."""

from __future__ import annotations

from collections.abc import Iterator

from moto.backup.exceptions import InvalidParameterValueException
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.dynamodb.models import dynamodb_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends

from drillbook.embedded.backup.buckets import Buckets
from drillbook.embedded.backup.databases import Clusters, Databases
from drillbook.embedded.backup.kind import Home, Kind
from drillbook.embedded.backup.tables import Tables

KINDS: tuple[Kind, ...] = (Tables(), Databases(), Clusters(), Buckets())


def kind_of(arn: str) -> Kind:
    """Raises InvalidParameterValueException for what cannot be backed up."""
    for kind in KINDS:
        if kind.owns(arn):
            return kind
    raise InvalidParameterValueException(f"Unsupported resource: {arn}")


def kind_named(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.type == name)


def everything_in(home: Home) -> Iterator[tuple[str, dict[str, str]]]:
    """ARN and tags of every resource of this region that can be backed up."""
    services = (
        dynamodb_backends[home.account][home.region],
        rds_backends[home.account][home.region],
        s3_backends[home.account]["aws"],
    )
    for service in services:
        for found in _all_of(service):
            owner = next((kind for kind in KINDS if kind.owns(found.arn)), None)
            if owner is not None and owner.name(home, found.arn) is not None:
                yield found.arn, found.tags


def _all_of(service: TaggableResourcesMixin) -> list[TaggedResource]:
    """Moto iterates over its own dictionaries, which a request may change meanwhile: then look again."""
    while True:
        try:
            return list(service.iter_tagged_resources())
        except RuntimeError:
            continue
