"""What is called how in the habit tracker's account, as in the runbook."""

from __future__ import annotations

HOME, AWAY = "us-east-1", "us-west-2"
STAGES = {HOME: "staging", AWAY: "dr"}
"""The runbook's word for each region."""
PREFIX = "apprentice-final"
TAGS = {"chaos": "allowed", "service": "apprentice"}
TAG_LIST = [{"Key": key, "Value": value} for key, value in TAGS.items()]

CLUSTER = f"{PREFIX}-staging-aurora"
DR_CLUSTER = f"{PREFIX}-dr-aurora"
INSTANCE_CLASS = "db.r6g.large"
ENGINE_VERSION = "16.1"
DATABASE = "habittracker"
MASTER = "dbadmin"
SECRET = f"{PREFIX}/staging/database"

VAULT = f"{PREFIX}-staging-vault"
BACKUP_ROLE = f"{PREFIX}-staging-backup-role"
FUNCTION_ROLE = f"{PREFIX}-staging-api-role"
TOPIC = f"{PREFIX}-staging-alerts"

ZONE = "apprentice.example.com"
API_NAME, SITE_NAME = f"api.{ZONE}", f"www.{ZONE}"
BUILD = "app/api.zip"
"""Where the function's package lies in each region's bucket of artifacts."""
SITE_BUILD = "web/"
"""Where the front end's build lies there."""
SWITCH = "failover-declared"
"""While there is an object of this name in the standby region's bucket of artifacts, the standby serves."""


def stack_of(region: str) -> str:
    return f"{PREFIX}-{STAGES[region]}"


def function_of(region: str) -> str:
    return f"{PREFIX}-{STAGES[region]}-api"


def parameter_of(region: str) -> str:
    """The parameter with the name of the writer's endpoint."""
    return f"/{PREFIX}/{STAGES[region]}/aurora/writer_endpoint"


def alarm_of(region: str, what: str) -> str:
    return f"{PREFIX}-{STAGES[region]}-{what}"


def artifacts_of(region: str) -> str:
    return f"{PREFIX}-artifacts-{region}"


def site_of(region: str) -> str:
    """The bucket of the front end."""
    return f"{PREFIX}-{STAGES[region]}-frontend"


def name_of(region: str) -> str:
    """The API's name in one region, whatever the service's own name leads to."""
    return f"{region}.{ZONE}"


def topic_arn(account: str, region: str) -> str:
    return f"arn:aws:sns:{region}:{account}:{TOPIC}"


def cluster_arn(account: str, cluster: str, region: str) -> str:
    return f"arn:aws:rds:{region}:{account}:cluster:{cluster}"


def endpoint_name(cluster: str, region: str) -> str:
    """The writer's endpoint as AWS names it, the cluster first; see ``app/database.py``."""
    return f"{cluster}.cluster-c0example0000.{region}.rds.amazonaws.com"
