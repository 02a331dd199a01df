from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from drillbook.aws.failures import calling, translate
from drillbook.errors import DrillBroken, PermanentError, TargetError, TemporaryError


def refusal(code: str, message: str = "no", status: int = 400, **rest: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **rest}
    return ClientError(answer, "PutItem")


@pytest.mark.parametrize(
    "error",
    [
        refusal("ThrottlingException"),
        refusal("ProvisionedThroughputExceededException"),
        refusal("TooManyRequestsException", status=429),
        refusal("SomethingNew", status=503),
        refusal("ResourceConflictException", status=409),
        aws.ReadTimeoutError(endpoint_url="http://127.0.0.1:9"),
        aws.ConnectionClosedError(endpoint_url="http://127.0.0.1:9"),
        refusal(
            "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]
        ),
    ],
)
def test_what_passes_by_itself_is_temporary(error: Any) -> None:
    assert isinstance(translate(error, "write an item"), TemporaryError)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (refusal("ExpiredTokenException"), "sign in again"),
        (refusal("UnrecognizedClientException"), "AWS_PROFILE"),
        (refusal("AccessDeniedException"), "allow the action"),
        (refusal("ResourceNotFoundException"), "check the name, the region and the account"),
        (refusal("NoSuchBucket", status=404), "check the name"),
        (refusal("ValidationException"), "correct the settings"),
        (refusal("ConditionalCheckFailedException"), "something else changed it"),
        (aws.NoCredentialsError(), "AWS_PROFILE"),
        (aws.ProfileNotFound(profile="drill"), "AWS_PROFILE"),
        (aws.UnauthorizedSSOTokenError(), "aws sso login"),
        (aws.ParamValidationError(report="bad"), "correct the settings"),
        (refusal("TransactionCanceledException", CancellationReasons=[{"Code": "ConditionalCheckFailed"}]), "settings"),
    ],
)
def test_what_does_not_pass_is_permanent_and_says_what_to_do(error: Any, advice: str) -> None:
    translated = translate(error, "write an item")
    assert isinstance(translated, PermanentError)
    assert advice in translated.do


def test_a_missing_permission_names_the_action_and_the_principal() -> None:
    message = (
        "User: arn:aws:sts::111122223333:assumed-role/drill/x is not authorized to perform: dynamodb:PutItem on "
        "resource: arn:aws:dynamodb:af-south-1:111122223333:table/products"
    )
    said = translate(refusal("AccessDeniedException", message), "write an item").do
    assert said == "allow dynamodb:PutItem to arn:aws:sts::111122223333:assumed-role/drill/x"


def test_an_endpoint_that_is_not_there_is_named() -> None:
    error = aws.EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/")
    translated = translate(error, "list the tables")
    assert isinstance(translated, TargetError)
    assert "could not list the tables: http://127.0.0.1:4566/ cannot be reached" in translated.what


def test_the_code_and_what_was_tried_are_kept() -> None:
    said = "could not restore products to 12:00: PutItem answered Odd: no"
    with pytest.raises(PermanentError, match=said) as raised, calling("restore products to 12:00"):
        raise refusal("Odd")
    assert raised.value.code == "Odd"


def test_errors_that_are_not_aws_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), calling("divide"):
        _ = 1 / 0


@given(st.text(max_size=30), st.text(max_size=80), st.integers(0, 600))
def test_any_answer_becomes_one_line_with_advice(code: str, message: str, status: int) -> None:
    translated = translate(refusal(code, message, status), "do it")
    assert isinstance(translated, DrillBroken)
    assert len(str(translated).splitlines()) == 1
    assert translated.do
