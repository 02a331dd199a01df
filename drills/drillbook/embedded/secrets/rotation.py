"""Rotation of secrets: the function is really invoked, step by step, and what it does to the labels is what counts.

RotateSecret answers when the rotation has begun; the steps follow in a thread. What goes wrong is not an error of the
call: the new version keeps AWSPENDING and the current version stays current, as on AWS.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.core.exceptions import ServiceException
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    ResourceNotFoundException,
    SecretNotFoundException,
)
from moto.secretsmanager.models import (
    FakeSecret,
    ReplicaSecret,
    SecretsManagerBackend,
    secretsmanager_backends,
)
from werkzeug.exceptions import HTTPException

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState
from drillbook.embedded.secrets.versions import CURRENT, PENDING, labelled

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_LOOK = 0.5
"""Seconds between looks at which secrets are due."""
_log = logging.getLogger(__name__)


class Rotations:
    """The rotations of one cloud."""

    def __init__(self, cloud: CloudState, original: Callable[..., str]) -> None:
        self._cloud, self._of_moto = cloud, original
        self._closed = threading.Event()
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self.failed = 0
        self.done = 0

    def close(self) -> None:
        self._closed.set()

    def rotate(
        self,
        backend: SecretsManagerBackend,
        secret_id: str,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: dict[str, Any] | None = None,
        rotate_immediately: bool = True,
    ) -> str:
        """RotateSecret. Returns the answer's body."""
        secret = _rotatable(backend, secret_id)
        if secret.owning_service:  # The owning service rotates it, without a function of the customer's.
            return self._of_moto(
                backend, secret_id, client_request_token, rotation_lambda_arn, rotation_rules, rotate_immediately
            )
        function = rotation_lambda_arn or secret.rotation_lambda_arn
        if not function:
            raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
        _function_there(backend, function)
        days = _days(rotation_rules)
        token = backend._from_client_request_token(client_request_token)
        self._refuse_while_pending(secret)
        secret.rotation_requested, secret.rotation_enabled = True, True
        secret.rotation_lambda_arn = function
        secret.auto_rotate_after_days = days or secret.auto_rotate_after_days
        self._plan_next(secret)
        self._begin(backend, secret, token, STEPS if rotate_immediately else ("testSecret",))
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "VersionId": token})

    def _refuse_while_pending(self, secret: FakeSecret) -> None:
        pending = labelled(secret.versions, PENDING)
        with self._lock:
            running = secret.arn in self._running
        if running or (pending is not None and CURRENT not in secret.versions[pending]["version_stages"]):
            raise InvalidRequestException(
                "A previous rotation isn't complete. Remove AWSPENDING from its version, or let it complete."
            )

    def _plan_next(self, secret: FakeSecret) -> None:
        """After so many days, at the embedded cloud's speed."""
        if secret.auto_rotate_after_days:
            wait = self._cloud.aws_seconds(secret.auto_rotate_after_days * durations.DAY)
            vars(secret)["next_rotation_date"] = (self._cloud.clock.now() + timedelta(seconds=wait)).timestamp()

    def _begin(self, backend: SecretsManagerBackend, secret: FakeSecret, token: str, steps: tuple[str, ...]) -> None:
        """The new version has no value yet: that is for the function to make."""
        secret.remove_version_stages_from_old_versions([PENDING])
        created = int(self._cloud.clock.now().timestamp())
        secret.versions.setdefault(token, {"createdate": created, "version_id": token, "version_stages": []})
        secret.versions[token]["version_stages"].append(PENDING)
        with self._lock:
            self._running.add(secret.arn)
        work = threading.Thread(target=self._rotate, args=(backend, secret, token, steps), name="rotation", daemon=True)
        work.start()

    def _rotate(self, backend: SecretsManagerBackend, secret: FakeSecret, token: str, steps: tuple[str, ...]) -> None:
        try:
            for step in steps:
                self._invoke(backend, secret, token, step)
            self._finish(secret, token, steps)
        except (HTTPException, ServiceException, _StepFailed) as error:
            self.failed += 1
            _log.info("rotation of %s stopped: %s", secret.arn, error)
        except Exception as error:  # noqa: BLE001 - a thread's last frame: other rotations must go on
            self.failed += 1
            _log.error("rotation of %s", secret.arn, exc_info=error)
        finally:
            with self._lock:
                self._running.discard(secret.arn)

    def _invoke(self, backend: SecretsManagerBackend, secret: FakeSecret, token: str, step: str) -> None:
        if self._closed.is_set() or self._cloud.domains.now.dark(backend.region_name):
            raise _StepFailed(f"{step}: the region is dark")
        told: dict[str, Any] = {}
        event = json.dumps({"Step": step, "SecretId": secret.arn, "ClientRequestToken": token})
        functions = _functions(backend, secret.rotation_lambda_arn)
        functions.invoke(secret.rotation_lambda_arn, None, event, {}, told)
        if error := told.get("x-amz-function-error"):
            raise _StepFailed(f"{step}: {error}")

    def _finish(self, secret: FakeSecret, token: str, steps: tuple[str, ...]) -> None:
        if steps != STEPS:  # A test only: its version is not kept.
            secret.versions.pop(token, None)
            return
        if labelled(secret.versions, CURRENT) != token:
            raise _StepFailed("finishSecret did not make the new version AWSCURRENT")
        vars(secret)["last_rotation_date"] = self._cloud.clock.now().timestamp()
        self.done += 1

    # On schedule

    def rotate_what_is_due(self) -> None:
        """Until closed."""
        while not self._closed.wait(_LOOK):
            for account in list(secretsmanager_backends.values()):
                for backend in list(account.values()):
                    if not self._cloud.domains.now.dark(backend.region_name):
                        self._rotate_due(backend)

    def _rotate_due(self, backend: SecretsManagerBackend) -> None:
        now = self._cloud.clock.now().timestamp()
        for secret in list(backend.secrets.values()):
            if isinstance(secret, FakeSecret) and _due(secret, now):
                self._plan_next(secret)
                try:
                    self._refuse_while_pending(secret)
                except InvalidRequestException:
                    continue
                self._begin(backend, secret, str(uuid.uuid4()), STEPS)


class _StepFailed(Exception):
    """The rotation stops where it is."""


def _due(secret: FakeSecret, now: float) -> bool:
    next_time = secret.next_rotation_date
    wanted = secret.rotation_enabled and secret.rotation_lambda_arn and not secret.is_deleted()
    return bool(wanted and next_time is not None and next_time <= now)


def _rotatable(backend: SecretsManagerBackend, secret_id: str) -> FakeSecret:
    if secret_id not in backend.secrets:
        raise SecretNotFoundException
    secret = backend.secrets[secret_id]
    if isinstance(secret, ReplicaSecret):
        raise OperationNotPermittedOnReplica
    if secret.is_deleted():
        raise InvalidRequestException(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    return secret


def _days(rules: dict[str, Any] | None) -> int:
    days = (rules or {}).get("AutomaticallyAfterDays")
    if days is not None and not 1 <= days <= 1000:
        raise InvalidParameterException("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
    return int(days or 0)


def _function_there(backend: SecretsManagerBackend, arn: str) -> None:
    try:
        _functions(backend, arn).get_function(arn)
    except (HTTPException, ServiceException) as error:
        raise ResourceNotFoundException(f"Secrets Manager can't find the Lambda function {arn}.") from error


def _functions(backend: SecretsManagerBackend, arn: str) -> LambdaBackend:
    """In the region of the function, which is the secret's unless its ARN says otherwise."""
    region = arn.split(":")[3] if arn.startswith("arn:") else backend.region_name
    return lambda_backends[backend.account_id][region]
