"""The states of a KMS key, and what each forbids.

https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms.exceptions import NotFoundException, ValidationException
from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState

USES = (
    "encrypt",
    "generate_data_key",
    "sign",
    "verify",
    "generate_mac",
    "verify_mac",
    "get_public_key",
)
"""Operations of the backend that need an enabled key; decryption finds its key in the ciphertext."""
_SHORTEST_WAIT, _LONGEST_WAIT = 7, 30


class DisabledException(JsonRESTError):
    """The request was rejected because the specified KMS key is not enabled."""

    def __init__(self, key: Key) -> None:
        super().__init__("DisabledException", f"{key.arn} is disabled.")


class KMSInvalidStateException(JsonRESTError):
    """The state of the specified resource is not valid for this request."""

    def __init__(self, key: Key, what: str) -> None:
        super().__init__("KMSInvalidStateException", f"{key.arn} is {what}.")


def must_be_enabled(key: Key) -> None:
    """Raises DisabledException or KMSInvalidStateException."""
    if key.key_state == "PendingDeletion":
        raise KMSInvalidStateException(key, "pending deletion")
    if not key.enabled:
        raise DisabledException(key)


def usable_key(account: str, region: str, named: str) -> Key:
    """The enabled key of this id, ARN or alias, as services that encrypt with it ask for it.

    Raises NotFoundException, DisabledException or KMSInvalidStateException.
    """
    place = named.split(":")[3] if re.match("arn:[^:]*:kms:[^:]+:", named) else region
    regions = kms_backends[account]
    key = _found(regions[place], named) if place in regions.regions else None
    if key is None:
        raise NotFoundException(f"Key '{named}' does not exist")
    must_be_enabled(key)
    return key


def _found(backend: KmsBackend, named: str) -> Key | None:
    alias = backend.get_alias_name(named)
    number = backend.get_key_id_from_alias(alias) if alias.startswith("alias/") else backend.get_key_id(named)
    return backend.keys.get(number or "")


def using(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    """An operation that uses the key which is named ``key_id``, or stands at ``position``."""

    def use(backend: KmsBackend, *args: Any, **named: Any) -> Any:
        key = _found(backend, named["key_id"] if "key_id" in named else args[position])
        if key is not None:
            must_be_enabled(key)
        return original(backend, *args, **named)

    return use


def decrypt(original: Callable[..., tuple[bytes, str]]) -> Callable[..., tuple[bytes, str]]:
    def decrypt_with_enabled_key(backend: KmsBackend, *args: Any, **named: Any) -> tuple[bytes, str]:
        plaintext, arn = original(backend, *args, **named)
        must_be_enabled(backend.keys[backend.get_key_id(arn)])
        return plaintext, arn

    return decrypt_with_enabled_key


def enable_key(backend: KmsBackend, key_id: str) -> None:
    key = _changeable(backend, key_id)
    key.enabled, key.key_state = True, "Enabled"


def disable_key(backend: KmsBackend, key_id: str) -> None:
    key = _changeable(backend, key_id)
    key.enabled, key.key_state = False, "Disabled"


def _changeable(backend: KmsBackend, key_id: str) -> Key:
    key = backend.keys[backend.get_key_id(key_id)]
    if key.key_state == "PendingDeletion":
        raise KMSInvalidStateException(key, "pending deletion")
    return key


def cancel_key_deletion(backend: KmsBackend, key_id: str) -> None:
    """The key is then disabled: it must be enabled before it works again."""
    key = backend.keys[backend.get_key_id(key_id)]
    if key.key_state != "PendingDeletion":
        raise KMSInvalidStateException(key, "not pending deletion")
    key.key_state, key.deletion_date = "Disabled", None


def schedule_key_deletion(cloud: CloudState) -> Callable[[KmsBackend, str, int], float]:
    def schedule(backend: KmsBackend, key_id: str, pending_window_in_days: int) -> float:
        """At the embedded cloud's speed. Returns when (Unix seconds).

        https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
        """
        if not _SHORTEST_WAIT <= pending_window_in_days <= _LONGEST_WAIT:
            raise ValidationException(f"PendingWindowInDays must be between {_SHORTEST_WAIT} and {_LONGEST_WAIT}")
        key = _changeable(backend, key_id)
        wait = timedelta(seconds=cloud.aws_seconds(pending_window_in_days * durations.DAY))
        when = cloud.clock.now() + wait
        key.enabled, key.key_state = False, "PendingDeletion"
        key.deletion_date = when.replace(tzinfo=None)
        return when.timestamp()

    return schedule


def forgetting(original: Callable[[KmsResponse], Any], cloud: CloudState) -> Callable[[KmsResponse], Any]:
    """Before each request: keys whose waiting period is over are gone, and what they encrypted is lost for good."""

    def call_action(request: KmsResponse) -> Any:
        backend, now = request.kms_backend, cloud.clock.now()
        for key in list(backend.keys.values()):
            if key.key_state == "PendingDeletion" and key.deletion_date and _utc(key.deletion_date) <= now:
                backend.delete_key(key.id)
        return original(request)

    return call_action


def _utc(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)
