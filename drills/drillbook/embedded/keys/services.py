"""What happens to the services whose data a key protects, when it is disabled, pending deletion or gone.

Only keys that customers manage can be disabled; AWS's own (``alias/aws/…``) always work. Every request asks the key:
the caching of AWS (DynamoDB asks again after some five minutes) is not emulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey, S3Backend
from moto.s3.responses import S3Response
from moto.secretsmanager.exceptions import SecretsManagerClientError
from moto.secretsmanager.models import SecretsManagerBackend
from moto.ssm.exceptions import SSMException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from drillbook.embedded.keys.state import usable_key

_AWS_MANAGED = "alias/aws/"


@contextmanager
def _told_as(refusal: Callable[[JsonRESTError], Exception]) -> Iterator[None]:
    """KMS refuses; the service tells it in its own words."""
    try:
        yield
    except JsonRESTError as error:
        raise refusal(error) from error


def _ask(account: str, region: str, key: str | None) -> None:
    if key and _AWS_MANAGED not in key:
        usable_key(account, region, key)


# S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html


def _s3(error: JsonRESTError) -> Exception:
    return S3ClientError(f"KMS.{error.error_type}", error.message)


def check_readable(version: FakeKey, region: str) -> None:
    """Raises S3's ``KMS.…`` error unless the key of the object version can decrypt it."""
    if (version.encryption or "").startswith("aws:kms"):
        with _told_as(_s3):
            _ask(version.account_id, region, version.kms_key_id)


def get_object(original: Callable[[S3Response], Any]) -> Callable[[S3Response], Any]:
    def get(request: S3Response) -> Any:
        key, _ = request._get_key()
        check_readable(key, request.backend.get_bucket(str(request.bucket_name)).region_name)
        return original(request)

    return get


def put_object(original: Callable[..., FakeKey]) -> Callable[..., FakeKey]:
    def put(backend: S3Backend, bucket_name: str, *args: Any, **named: Any) -> FakeKey:
        bucket = backend.get_bucket(bucket_name)
        rule = ((bucket.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
        algorithm = named.get("encryption") or rule.get("SSEAlgorithm") or ""
        if algorithm.startswith("aws:kms"):
            with _told_as(_s3):
                _ask(backend.account_id, bucket.region_name, named.get("kms_key_id") or rule.get("KMSMasterKeyID"))
        return original(backend, bucket_name, *args, **named)

    return put


def copy_object(original: Callable[..., None]) -> Callable[..., None]:
    def copy(backend: S3Backend, src_key: FakeKey, *args: Any, **named: Any) -> None:
        check_readable(src_key, backend.get_bucket(str(src_key.bucket_name)).region_name)
        original(backend, src_key, *args, **named)

    return copy


# Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html


def _decryption_failure(error: JsonRESTError) -> Exception:
    what = "Secrets Manager can't decrypt the protected secret text using the provided KMS key. "
    return SecretsManagerClientError("DecryptionFailure", what + error.message)


def _encryption_failure(error: JsonRESTError) -> Exception:
    what = "Secrets Manager can't encrypt the protected secret text using the provided KMS key. "
    return SecretsManagerClientError("EncryptionFailure", what + error.message)


def get_secret_value(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def get(backend: SecretsManagerBackend, secret_id: str, *args: Any, **named: Any) -> dict[str, Any]:
        value = original(backend, secret_id, *args, **named)
        with _told_as(_decryption_failure):
            key = getattr(backend.secrets[secret_id], "kms_key_id", None)
            _ask(backend.account_id, backend.region_name, key)
        return value

    return get


def add_secret(original: Callable[..., Any]) -> Callable[..., Any]:
    def add(backend: SecretsManagerBackend, secret_id: str, *args: Any, **named: Any) -> Any:
        known = getattr(backend.secrets.get(secret_id), "kms_key_id", None)
        with _told_as(_encryption_failure):
            _ask(backend.account_id, backend.region_name, named.get("kms_key_id") or known)
        return original(backend, secret_id, *args, **named)

    return add


# SSM: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html


def _invalid_key_id(error: JsonRESTError) -> Exception:
    return SSMException("InvalidKeyId", f"{error.message} (Service: AWSKMS; Error Code: {error.error_type})")


def put_parameter(original: Callable[..., Parameter]) -> Callable[..., Parameter]:
    def put(
        backend: SimpleSystemManagerBackend,
        name: str,
        description: str | None,
        value: str,
        parameter_type: str | None,
        allowed_pattern: str | None,
        keyid: str | None,
        *args: Any,
        **named: Any,
    ) -> Parameter:
        before = backend.get_parameter(name)
        if (parameter_type or (before.parameter_type if before else "")) == "SecureString":
            with _told_as(_invalid_key_id):
                _ask(backend.account_id, backend.region_name, keyid or (before.keyid if before else None))
        made = original(backend, name, description, value, parameter_type, allowed_pattern, keyid, *args, **named)
        vars(made)["region"] = backend.region_name
        return made

    return put


def parameter_told(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def told(parameter: Parameter, decrypt: bool = False, region: str | None = None) -> dict[str, Any]:
        place = region or vars(parameter).get("region")
        if decrypt and parameter.parameter_type == "SecureString" and place:
            with _told_as(_invalid_key_id):
                _ask(parameter.account_id, place, parameter.keyid)
        return original(parameter, decrypt, region)

    return told
