"""Properties of a template as parameters of an operation."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from drillbook.embedded.stacks.fitting import NotSimulated, fitted


def shape(service: str, operation: str) -> Any:
    model = botocore.session.Session().get_service_model(service)
    return model.operation_model(operation).input_shape


def test_case_and_type_are_the_operations() -> None:
    given = {"RestApiId": "a", "ParentId": "b", "PathPart": 7}
    assert fitted(given, shape("apigateway", "CreateResource"), "Properties") == {
        "restApiId": "a",
        "parentId": "b",
        "pathPart": "7",
    }


def test_numbers_and_booleans_may_be_strings() -> None:
    given = {"DBInstanceIdentifier": "a", "AllocatedStorage": "20", "MultiAZ": "true"}
    assert fitted(given, shape("rds", "CreateDBInstance"), "Properties") == {
        "DBInstanceIdentifier": "a",
        "AllocatedStorage": 20,
        "MultiAZ": True,
    }


def test_a_list_of_tags_is_a_map_where_the_api_wants_one() -> None:
    given = {"Tags": [{"Key": "a", "Value": "b"}]}
    assert fitted(given, shape("lambda", "CreateFunction"), "Properties") == {"Tags": {"a": "b"}}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"Colour": "red"}, "Properties.Colour is not simulated"),
        ({"AllocatedStorage": "many"}, "Properties.AllocatedStorage cannot be 'many'"),
        ({"MultiAZ": "perhaps"}, "a boolean is expected"),
    ],
)
def test_what_the_operation_does_not_have_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(NotSimulated, match=told.replace(".", r"\.")):
        fitted(given, shape("rds", "CreateDBInstance"), "Properties")
