"""PartiQL statements that moto's parser misreads, put so that it reads them; and those that are none, refused.

The parser takes literals of UPDATE for texts, and cannot insert parameters. So every literal of an UPDATE is handed
over as a parameter, and an INSERT is read here.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import MockValidationException
from py_partiql_parser._internal.json_parser import JsonParser

Value = dict[str, Any]
"""An attribute value as the API has it: ``{"S": "text"}``."""
_STATEMENT = re.compile(
    r"""\s*(?:SELECT\s.+?\sFROM|INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?(?P<table>[\w.-]+)"?(?P<rest>[\s.].*)?""",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<quoted>"[^"]*")|(?P<parameter>\?)|(?P<number>(?<![\w.?])-?\d+(?:\.\d+)?(?![\w.]))"""
)
_COMPARISON = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\s*(?P<operator><=|>=|<>|!=|=|<|>)\s*""")
_NEXT_SET = re.compile(r"\?\s+SET\s+", re.IGNORECASE)
_MARK = "\ue000parameter {}\ue000"
_MARKED = re.compile("\ue000parameter (\\d+)\ue000")


class DuplicateItem(JsonRESTError):
    def __init__(self) -> None:
        name = "com.amazonaws.dynamodb.v20120810#DuplicateItemException"
        super().__init__(name, "Duplicate primary key exists in table")


def table_of(statement: str, parameters: list[Value]) -> str:
    """The table that a statement is about. Raises ValidationException if it is none, or its parameters are not as many
    as it has question marks."""
    found = _STATEMENT.fullmatch(statement)
    if found is None:
        raise MockValidationException("Statement wasn't well formed, can't be processed: Unexpected token")
    if sum(token.lastgroup == "parameter" for token in _TOKEN.finditer(statement)) != len(parameters):
        raise MockValidationException("Number of parameters in request and statement don't match.")
    return found["table"]


def is_of_kind(statement: str, verb: str) -> bool:
    return statement.split(None, 1)[0].upper() == verb


def refuse_read_without_key(statement: str, key: list[str]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html"""
    condition = re.split(r"\bWHERE\b", statement, maxsplit=1, flags=re.IGNORECASE)[1:]
    named = re.findall(r"[\w.-]+(?=[\"\s]*=)", "".join(condition))
    if is_of_kind(statement, "SELECT") and not set(key) <= set(named):
        raise MockValidationException(
            "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
        )


def error_in_batch(error: JsonRESTError) -> Value:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html"""
    name = str(error.error_type).rpartition("#")[2].removesuffix("Exception")
    return {"Code": "ValidationError" if name == "Validation" else name, "Message": error.message}


def with_parameters_only(statement: str, given: list[Value]) -> tuple[str, list[Value]]:
    """The same statement without literals, and with one SET for all attributes."""
    parameters: list[Value] = []
    rest = iter(given)

    def replaced(token: re.Match[str]) -> str:
        match token.lastgroup:
            case "parameter":
                parameters.append(next(rest))
            case "text":
                parameters.append({"S": token[0][1:-1].replace("''", "'")})
            case "number":
                parameters.append({"N": token[0]})
            case _:
                return token[0]
        return "?"

    plain = _TOKEN.sub(replaced, statement)
    return _NEXT_SET.sub("?, ", plain), parameters


def spaced(statement: str) -> str:
    """The same statement with spaces around its comparisons, without which the parser finds none."""
    return _COMPARISON.sub(lambda one: f" {one['operator']} " if one["operator"] else one[0], statement)


def inserted(statement: str, given: list[Value]) -> dict[str, Value]:
    """The item of an INSERT. Raises ValidationException for what is no map of attributes."""
    found = re.search(r"\sVALUE\s*(\{.*\})\s*;?\s*$", statement, re.IGNORECASE | re.DOTALL)
    if found is None:
        raise MockValidationException("Statement wasn't well formed, can't be processed: VALUE expects a map")
    numbers: Iterator[int] = iter(range(len(given)))

    def marked(token: re.Match[str]) -> str:
        return f"'{_MARK.format(next(numbers))}'" if token.lastgroup == "parameter" else token[0]

    try:
        plain: dict[str, Any] = next(JsonParser.parse(_TOKEN.sub(marked, found[1])))
        values = {name: TypeSerializer().serialize(value) for name, value in plain.items()}
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError, StopIteration):
        raise MockValidationException("Statement wasn't well formed, can't be processed: VALUE expects a map") from None
    return {name: _filled(value, given) for name, value in values.items()}


def _filled(value: Any, given: list[Value]) -> Any:
    """``value`` with parameters in the place of their marks."""
    if isinstance(value, dict):
        if (mark := value.get("S")) and isinstance(mark, str) and (number := _MARKED.fullmatch(mark)):
            return given[int(number[1])]
        return {name: _filled(one, given) for name, one in value.items()}
    return [_filled(one, given) for one in value] if isinstance(value, list) else value
