"""KMS: a key that is disabled or pending deletion takes the data with it, everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import HERE, Endpoint

STATES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"


class Key:
    def __init__(self, client: Callable[..., Any]) -> None:
        self.api = client("kms")
        described = self.api.create_key()["KeyMetadata"]
        self.id, self.arn = described["KeyId"], described["Arn"]

    def state(self) -> str:
        return str(self.api.describe_key(KeyId=self.id)["KeyMetadata"]["KeyState"])

    def disable(self) -> None:
        self.api.disable_key(KeyId=self.id)

    def enable(self) -> None:
        self.api.enable_key(KeyId=self.id)

    def doom(self) -> None:
        self.api.schedule_key_deletion(KeyId=self.id, PendingWindowInDays=7)

    def save(self) -> None:
        self.api.cancel_key_deletion(KeyId=self.id)
        self.enable()


@pytest.fixture
def key(client: Callable[..., Any]) -> Key:
    return Key(client)


@pytest.mark.rule("a disabled key neither encrypts nor decrypts, and works again when it is enabled", STATES)
def test_a_disabled_key_does_nothing(key: Key) -> None:
    ciphertext = key.api.encrypt(KeyId=key.id, Plaintext=b"secret")["CiphertextBlob"]
    key.disable()
    assert key.state() == "Disabled"
    assert refused(key.api.encrypt, KeyId=key.arn, Plaintext=b"x") == "DisabledException"
    assert refused(key.api.decrypt, CiphertextBlob=ciphertext) == "DisabledException"
    assert refused(key.api.generate_data_key, KeyId=key.id, KeySpec="AES_256") == "DisabledException"
    assert refused(key.api.re_encrypt, CiphertextBlob=ciphertext, DestinationKeyId=key.id) == "DisabledException"
    key.enable()
    assert key.api.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"secret"


@pytest.mark.rule("a key pending deletion cannot be used or enabled; cancelled, it is disabled", STATES)
def test_a_key_pending_deletion_does_nothing(key: Key) -> None:
    ciphertext = key.api.encrypt(KeyId=key.id, Plaintext=b"secret")["CiphertextBlob"]
    key.doom()
    assert key.state() == "PendingDeletion"
    assert refused(key.api.decrypt, CiphertextBlob=ciphertext) == "KMSInvalidStateException"
    assert refused(key.api.enable_key, KeyId=key.id) == "KMSInvalidStateException"
    key.api.cancel_key_deletion(KeyId=key.arn)
    assert key.state() == "Disabled"
    assert refused(key.api.decrypt, CiphertextBlob=ciphertext) == "DisabledException"
    key.enable()
    assert key.api.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"secret"
    assert refused(key.api.cancel_key_deletion, KeyId=key.id) == "KMSInvalidStateException"


@pytest.mark.rule(
    "the waiting period is 7 to 30 days",
    "https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html",
)
def test_the_waiting_period_has_limits(key: Key) -> None:
    for days in (6, 31):
        assert refused(key.api.schedule_key_deletion, KeyId=key.id, PendingWindowInDays=days) == "ValidationException"
    assert key.state() == "Enabled"


@pytest.mark.rule(
    "objects encrypted with a key are out of reach while it cannot be used",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
)
def test_objects_go_with_their_key(client: Callable[..., Any], key: Key) -> None:
    s3, here = client("s3"), {"Bucket": "drillbook-kms-objects", "Key": "one"}
    s3.create_bucket(Bucket=here["Bucket"])
    s3.put_object(**here, Body=b"data", ServerSideEncryption="aws:kms", SSEKMSKeyId=key.arn)
    s3.put_object(Bucket=here["Bucket"], Key="open", Body=b"plain")
    key.disable()
    assert refused(s3.get_object, **here) == "KMS.DisabledException"
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key.arn}
    assert refused(s3.put_object, **here, Body=b"new", **encrypted) == "KMS.DisabledException"
    copied = {"Bucket": here["Bucket"], "Key": "copy", "CopySource": here}
    assert refused(s3.copy_object, **copied) == "KMS.DisabledException"
    assert s3.get_object(Bucket=here["Bucket"], Key="open")["Body"].read() == b"plain"
    key.enable()
    assert s3.get_object(**here)["Body"].read() == b"data"
    key.doom()
    assert refused(s3.get_object, **here) == "KMS.KMSInvalidStateException"
    key.save()
    assert s3.get_object(**here)["Body"].read() == b"data"


@pytest.mark.rule(
    "a bucket's default encryption uses its key for every new object",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
)
def test_a_bucket_whose_default_key_is_disabled_takes_nothing(client: Callable[..., Any], key: Key) -> None:
    s3, bucket = client("s3"), "drillbook-kms-default"
    s3.create_bucket(Bucket=bucket)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key.arn}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=bucket, Key="before", Body=b"data")
    key.disable()
    assert refused(s3.put_object, Bucket=bucket, Key="after", Body=b"data") == "KMS.DisabledException"
    assert refused(s3.get_object, Bucket=bucket, Key="before") == "KMS.DisabledException"
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["before"]


@pytest.mark.rule(
    "a secret cannot be read or changed while its key cannot be used",
    "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html",
)
def test_secrets_go_with_their_key(client: Callable[..., Any], key: Key) -> None:
    secrets = client("secretsmanager")
    secrets.create_secret(Name="kms-secret", SecretString="one", KmsKeyId=key.id)
    key.disable()
    assert refused(secrets.get_secret_value, SecretId="kms-secret") == "DecryptionFailure"
    assert refused(secrets.put_secret_value, SecretId="kms-secret", SecretString="two") == "EncryptionFailure"
    assert secrets.describe_secret(SecretId="kms-secret")["KmsKeyId"] == key.id
    key.enable()
    assert secrets.get_secret_value(SecretId="kms-secret")["SecretString"] == "one"


@pytest.mark.rule(
    "a SecureString cannot be decrypted while its key cannot be used",
    "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html",
)
def test_secure_strings_go_with_their_key(client: Callable[..., Any], key: Key) -> None:
    ssm, given = client("ssm"), {"Name": "/kms/secure", "Type": "SecureString"}
    key.api.create_alias(AliasName="alias/secure-strings", TargetKeyId=key.id)
    ssm.put_parameter(**given, Value="one", KeyId="alias/secure-strings")
    ssm.put_parameter(Name="/kms/plain", Value="plain", Type="String")
    key.disable()
    assert refused(ssm.get_parameter, Name="/kms/secure", WithDecryption=True) == "InvalidKeyId"
    assert refused(ssm.get_parameters_by_path, Path="/kms", WithDecryption=True) == "InvalidKeyId"
    assert refused(ssm.get_parameter_history, Name="/kms/secure", WithDecryption=True) == "InvalidKeyId"
    assert refused(ssm.put_parameter, **given, Value="two", Overwrite=True) == "InvalidKeyId"
    assert ssm.get_parameter(Name="/kms/secure")["Parameter"]["Value"] != "one"
    assert ssm.get_parameter(Name="/kms/plain")["Parameter"]["Value"] == "plain"
    key.enable()
    assert ssm.get_parameter(Name="/kms/secure", WithDecryption=True)["Parameter"]["Value"] == "one"


@pytest.mark.rule(
    "a table's data are out of reach while its key cannot be used, and its status says so",
    "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSEDescription.html",
)
def test_tables_go_with_their_key(client: Callable[..., Any], key: Key) -> None:
    dynamodb, table = client("dynamodb"), "kms-table"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key.arn},
    )
    item = {"id": {"S": "one"}}
    dynamodb.put_item(TableName=table, Item=item)
    key.disable()
    assert refused(dynamodb.get_item, TableName=table, Key=item) == "AccessDeniedException"
    assert refused(dynamodb.put_item, TableName=table, Item=item) == "AccessDeniedException"
    assert refused(dynamodb.scan, TableName=table) == "AccessDeniedException"
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    assert described["SSEDescription"]["InaccessibleEncryptionDateTime"]
    key.enable()
    assert dynamodb.get_item(TableName=table, Key=item)["Item"] == item
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert (described["TableStatus"], "InaccessibleEncryptionDateTime" in described["SSEDescription"]) == (
        "ACTIVE",
        False,
    )


@pytest.mark.rule(
    "a key that there is not is refused", "https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html"
)
def test_a_key_that_is_not_there(client: Callable[..., Any], endpoint: Endpoint) -> None:
    kms, s3 = client("kms"), client("s3")
    missing = f"arn:aws:kms:{HERE}:{endpoint.account}:key/00000000-0000-4000-8000-000000000000"
    assert refused(kms.encrypt, KeyId=missing, Plaintext=b"x") == "NotFoundException"
    s3.create_bucket(Bucket="drillbook-kms-missing")
    put = {"Bucket": "drillbook-kms-missing", "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": missing}
    assert refused(s3.put_object, **put) == "KMS.NotFoundException"
    secure = {"Name": "/kms/missing", "Value": "x", "Type": "SecureString", "KeyId": missing}
    elsewhere = f"arn:aws:kms:no-region-1:{endpoint.account}:key/00000000-0000-4000-8000-000000000000"
    for key in (missing, elsewhere, "alias/kms-missing", "arn:nonsense", "nonsense"):
        assert refused(client("ssm").put_parameter, **(secure | {"KeyId": key})) == "InvalidKeyId", key


def refused(call: Callable[..., Any], **named: Any) -> str:
    """The error code of a call that must be refused."""
    with pytest.raises(ClientError) as error:
        call(**named)
    assert 400 <= error.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return str(error.value.response["Error"]["Code"])
