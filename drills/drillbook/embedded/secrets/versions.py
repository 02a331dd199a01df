"""The versions of a secret: which one is current follows from the staging labels alone.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version
"""

from __future__ import annotations

import json
from typing import Any

from moto.secretsmanager.exceptions import SecretNotFoundException
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend
from moto.secretsmanager.responses import SecretsManagerResponse

Versions = dict[str, dict[str, Any]]
CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"


def labelled(versions: Versions, stage: str) -> str | None:
    """The id of the version with this staging label."""
    return next((number for number, version in versions.items() if stage in version["version_stages"]), None)


def current_of(secret: FakeSecret) -> str | None:
    return labelled(secret.versions, CURRENT)


def set_current(secret: FakeSecret, version_id: str | None) -> None:
    """Moto remembers which version is current; the labels say it already."""


def reset_default_version(secret: FakeSecret, secret_version: dict[str, Any], version_id: str) -> None:
    """A new current version: the one that was current is the previous one, its other labels stay.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    """
    before = labelled(secret.versions, CURRENT)
    if before is not None and before != version_id:
        secret.remove_version_stages_from_old_versions([PREVIOUS, CURRENT])
        secret.versions[before]["version_stages"].append(PREVIOUS)
    secret.remove_version_stages_from_old_versions(list(secret_version["version_stages"]))
    secret.versions[version_id] = secret_version


def list_version_ids(request: SecretsManagerResponse) -> str:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html"""
    backend: SecretsManagerBackend = request.backend
    named = request._get_param("SecretId", if_none="")
    if named not in backend.secrets:
        raise SecretNotFoundException
    secret, everything = backend.secrets[named], bool(request._get_param("IncludeDeprecated"))
    listed = [
        {
            "VersionId": number,
            "VersionStages": version["version_stages"],
            "CreatedDate": version["createdate"],
        }
        for number, version in secret.versions.items()
        if everything or version["version_stages"]
    ]
    return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": listed})
