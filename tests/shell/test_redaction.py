from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.redaction import MASK, find_secrets, is_secret_name, redact, secret_values

KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SECRETS = {
    f"key {KEY} leaked": KEY,
    "ASIA" + "A" * 16: "ASIA" + "A" * 16,
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG": "wJalrXUtnFEMI/K7MDENG",
    "PGPASSWORD=hunter2 psql": "hunter2",
    '{"password": "correct horse", "user": "a"}': "correct horse",
    "db_password: 'it is secret' # comment": "it is secret",
    "Authorization: Bearer abc.def-ghi123": "abc.def-ghi123",
    "Authorization: Basic dXNlcjpwYXNz": "dXNlcjpwYXNz",
    "https://b.example.com/o?X-Amz-Signature=abcdef0123&x=1": "abcdef0123",
    "?X-Amz-Security-Token=IQoJb3Jp%2F&b": "IQoJb3Jp%2F",
    "postgres://app:s3cr3t@db.example.com/x": "s3cr3t",
    "mysql --password s3cr3tword -h x": "s3cr3tword",
    "tool --api-key=abcd1234 run": "abcd1234",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----": "MIIE",
    "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc": "eyJzdWIiOiIxMjM0In0",
    "ghp_" + "a1" * 15: "a1a1a1",
}


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_masked_and_found(text: str) -> None:
    assert SECRETS[text] not in redact(text)
    assert MASK in redact(text)
    assert find_secrets(text)
    assert SECRETS[text] not in str(find_secrets(text))


@pytest.mark.parametrize("text", SECRETS)
def test_what_was_redacted_holds_no_secret_any_more(text: str) -> None:
    assert find_secrets(redact(text)) == []
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/database-AbCdEf",
        "restored table products-restored in 12.3 s",
        "arn:aws:dynamodb:af-south-1:111122223333:table/products",
        "https://127.0.0.1:8080/notes?key=canary-1",
        '{"code_sha": "q1w2e3==", "version": "3", "key": "current/list.zip"}',
        "the token bucket is empty",
        "password",
        "basic checks passed",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text
    assert find_secrets(text) == []


def test_a_redacted_json_text_keeps_its_shape() -> None:
    assert json.loads(redact('{"password": "x", "n": 1}'.replace('"x"', '"abc def"')).replace(MASK, '"m"')) == {
        "password": "m",
        "n": 1,
    }


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "apikey", "API_KEY", "PGPASSWORD"]
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["PATH", "AWS_REGION", "MONKEY", "TOKENIZERS_PARALLELISM", "KEY", "PASSENGER", "DYNAMODB_TABLE"]
)
def test_ordinary_names_are_not_taken_for_secrets(name: str) -> None:
    assert not is_secret_name(name)


def test_short_values_are_not_masked_wherever_they_stand() -> None:
    assert secret_values({"A_TOKEN": "1", "B_TOKEN": "long-enough", "PATH": "/usr/bin"}) == ["long-enough"]
    assert redact("say long-enough", ["long-enough"]) == f"say {MASK}"


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200))
def test_any_text_can_be_redacted_twice(text: str) -> None:
    assert redact(redact(text)) == redact(text)
