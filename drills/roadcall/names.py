"""What the parts of roadcall are called, in both regions."""

from __future__ import annotations

PRIMARY, DR = "us-east-1", "us-west-2"
REGIONS = (PRIMARY, DR)
DOMAIN = "roadcall.example.com"
API = f"api.{DOMAIN}"
HEALTH_NAME = f"primary-health.{DOMAIN}"
"""Leads to one address while the primary region's health check succeeds, to another when it fails."""
TABLES = {
    what: f"roadcall-{what}-prod" for what in ("users", "incidents", "vendors", "tracking-sessions", "call-records")
}
GLOBAL_DATABASE = "roadcall-global-prod"
CLUSTERS = {PRIMARY: "roadcall-aurora-prod", DR: "roadcall-aurora-prod-replica"}
DATABASE = "roadcall"
SECRET = "roadcall/aurora"  # noqa: S105 - its name
STACK = "roadcall-services-prod"
TEMPLATE = "services.yaml"
STAGE = "prod"
API_NAME = "roadcall-api-prod"
TOPIC = "roadcall-prod-alarms"
VAULT = "roadcall-backup-vault-prod"
ROLE = "roadcall-services-prod"
TAGS = {"chaos": "allowed", "service": "roadcall"}
TAG_LIST = [{"Key": key, "Value": value} for key, value in TAGS.items()]
FUNCTIONS = tuple(f"roadcall-{what}-svc-prod" for what in ("incident", "user", "vendor", "tracking", "call"))
SWITCH_KEY = "serve-from-us-west-2"
"""The object whose presence makes Route 53 answer with us-west-2: see ``switch.py``."""


def regional_api(region: str) -> str:
    """The region's own name of the API, whatever the failover record says."""
    return f"api-{region}.{DOMAIN}"


def recordings(account: str, region: str) -> str:
    """The bucket of call recordings."""
    return f"roadcall-call-recordings-prod-{'' if region == PRIMARY else f'{region}-'}{account}"


def artifacts(account: str, region: str) -> str:
    """The bucket of the services' code."""
    return f"roadcall-artifacts-prod-{region}-{account}"


def switch_bucket(account: str) -> str:
    """In the region that takes over, so that it can be thrown while the primary is lost."""
    return f"roadcall-failover-{account}"


def topic_arn(account: str, region: str) -> str:
    return f"arn:aws:sns:{region}:{account}:{TOPIC}"


def stack_parameters(account: str, region: str) -> dict[str, str]:
    """What the services of a region are told of it."""
    return {
        "Role": f"arn:aws:iam::{account}:role/{ROLE}",
        "Artifacts": artifacts(account, region),
        "Recordings": recordings(account, region),
        "Cluster": CLUSTERS[region],
    }
