"""Replicas of secrets: they follow their primary while the regions reach one another, and can be promoted.

Moto's replica looks at its primary whenever it is read. So it follows at once; cut off, it shows what it had.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_StopReplicationToReplica.html
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from moto.secretsmanager.exceptions import InvalidRequestException, SecretNotFoundException
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, secretsmanager_backends
from moto.secretsmanager.responses import SecretsManagerResponse

from drillbook.embedded.domains import Domains, Failures
from drillbook.embedded.secrets.versions import CURRENT, Versions, labelled

_STATUS = {True: ("InSync", "Replication succeeded"), False: ("InProgress", "The primary's region is out of reach")}


def versions_of(replica: ReplicaSecret) -> Versions:
    """Its own copy while it is cut off."""
    frozen: Versions | None = vars(replica).get("frozen")
    return replica.source.versions if frozen is None else frozen


def current_of(replica: ReplicaSecret) -> str | None:
    return labelled(versions_of(replica), CURRENT)


def told(replica: ReplicaSecret) -> dict[str, Any]:
    described = replica.source.to_dict()
    stages = {number: version["version_stages"] for number, version in versions_of(replica).items()}
    described |= {"ARN": replica.arn, "PrimaryRegion": replica.source.region}
    return described | {"VersionIdsToStages": stages, "SecretVersionsToStages": stages}


def begun(original: Callable[..., None], domains: Domains) -> Callable[..., None]:
    """A replica that is made while its region is out of reach has nothing until it is mended."""

    def begin(replica: ReplicaSecret, source: FakeSecret, region: str, *args: Any, **named: Any) -> None:
        original(replica, source, region, *args, **named)
        if replica.has_replica and not domains.now.linked(source.region, region):
            vars(replica)["frozen"] = {}
            replica.config["Status"], replica.config["StatusMessage"] = _STATUS[False]

    return begin


def follow_or_freeze(before: Failures, now: Failures) -> None:
    """A listener of the failure domains: what was written until the cut has been replicated, nothing after it."""
    for replica in _replicas():
        was, is_now = (state.linked(replica.source.region, replica.region) for state in (before, now))
        if was and not is_now:
            vars(replica)["frozen"] = copy.deepcopy(replica.source.versions)
        elif is_now and not was:
            vars(replica)["frozen"] = None
        if replica.has_replica:
            replica.config["Status"], replica.config["StatusMessage"] = _STATUS[is_now]


def _replicas() -> Iterator[ReplicaSecret]:
    for account in list(secretsmanager_backends.values()):
        for backend in list(account.values()):
            yield from [secret for secret in list(backend.secrets.values()) if isinstance(secret, ReplicaSecret)]


def stop_replication_to_replica(request: SecretsManagerResponse) -> str:
    """The replica becomes a secret of its own, also when the primary's region is dark. It has no rotation."""
    named = request._get_param("SecretId")
    secrets = request.backend.secrets
    if named not in secrets:
        raise SecretNotFoundException
    replica = secrets[named]
    if not isinstance(replica, ReplicaSecret):
        raise InvalidRequestException("The secret is not a replica: only a replica can be promoted.")
    secrets.pop(named)
    dict.pop(secrets, replica.arn, None)
    secrets[replica.name] = _promoted(replica)
    replica.source.replicas = [other for other in replica.source.replicas if other is not replica]
    return json.dumps({"ARN": replica.arn})


def _promoted(replica: ReplicaSecret) -> FakeSecret:
    made: FakeSecret = object.__new__(FakeSecret)
    vars(made).update(vars(replica.source))
    made.arn, made.region, made.replicas = replica.arn, replica.region, []
    made.versions = copy.deepcopy(versions_of(replica))
    made.rotation_requested, made.rotation_enabled, made.rotation_lambda_arn = False, False, ""
    vars(made).update(auto_rotate_after_days=0, next_rotation_date=None, kms_key_id=None)
    return made
