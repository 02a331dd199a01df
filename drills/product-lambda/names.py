"""What the product catalogue consists of, by name: the same names in stand-up, faults, recovery and checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drillbook.aws.session import Session
    from drillbook.world import World

TABLE = "products"
STAGING_TABLE = "products-staging"
API = "product-api"
STAGE = "v1"
TAGS = {"chaos": "allowed", "service": "product-lambda"}
TAG_LIST = [{"Key": key, "Value": value} for key, value in TAGS.items()]
PACKAGES = {
    "product-list": "list_products",
    "product-get": "get_product",
    "product-create": "create_product",
    "product-update": "update_product",
    "product-delete": "delete_product",
}
"""Function name → the module its package is named for, as in the runbook's ``list_products.zip``."""

ZONE = "products.example.com"
FRONT = f"api.{ZONE}"
"""What customers call. Leads to the primary region, or to the standby."""
TOPIC = "product-incidents"
VAULT = "product-backups"
BACKUP_ROLE = "product-backup"
HEALTH_ALARM = "product-api-health"

NAMES_STACK = "product-names"
NAMES_TEMPLATE = "templates/names.yaml"
APPLICATION_STACK = "product-application"
APPLICATION_TEMPLATE = "templates/application.yaml"
APP = Path(__file__).with_name("app")


def primary(world: World) -> str:
    return world.service.regions["primary"]


def standby(world: World) -> str:
    return world.service.regions["dr"]


def own_name(world: World, region: str) -> str:
    """The name that always leads to ``region``: health checks and rehearsals use it, customers do not."""
    return f"api-primary.{ZONE}" if region == primary(world) else f"api-dr.{ZONE}"


def bucket_of(session: Session, region: str | None = None) -> str:
    """Where the deployment packages for ``region`` are: Lambda takes them from its own region only."""
    home = region in (None, session.region)
    return f"product-artifacts-{session.account}" + ("" if home else f"-{region}")


def table_arn(session: Session, table: str = TABLE, region: str | None = None) -> str:
    return f"arn:aws:dynamodb:{region or session.region}:{session.account}:table/{table}"


def topic_arn(session: Session, region: str | None = None) -> str:
    return f"arn:aws:sns:{region or session.region}:{session.account}:{TOPIC}"


def role_arn(session: Session, role: str = BACKUP_ROLE) -> str:
    return f"arn:aws:iam::{session.account}:role/{role}"


def application_parameters(world: World, region: str) -> dict[str, str]:
    """What the application's template is given in ``region``, by stand-up and by every recovery alike."""
    from drillbook.aws.session import session_of

    return {"Artifacts": bucket_of(session_of(world), region), "Table": TABLE, "OwnName": own_name(world, region)}
