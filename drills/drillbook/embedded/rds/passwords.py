"""The master user's password: given by the caller, or kept by RDS in Secrets Manager."""

from __future__ import annotations

import json
import secrets
from typing import Any
from uuid import uuid4

from moto.rds.models import DBInstance, MasterUserSecret


def master_password(instance: DBInstance) -> str:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"""
    if not instance.manage_master_user_password:
        return str(instance._master_user_password)
    secret = instance.backend.secretsmanager.get_secret_value(instance.master_user_secret.secret_arn, "", "")
    return str(json.loads(secret["SecretString"])["password"])


def secret_string(resource: Any) -> str:
    """The content of a managed secret, with a new password."""
    return json.dumps({"username": resource.master_username or "postgres", "password": secrets.token_urlsafe(21)})


def rotate(secret: MasterUserSecret) -> None:
    """Takes moto's place: a new version of the secret, with another password."""
    secret.secretsmanager.put_secret_value(
        secret.secret.arn, secret_string(secret.resource), "", str(uuid4()), ["AWSCURRENT"]
    )
