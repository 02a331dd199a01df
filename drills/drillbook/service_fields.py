"""What the models of a service file are made of: strict mappings, and scalars that say what is wrong with them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from drillbook.events import Json
from drillbook.redaction import is_secret_name
from drillbook.service_yaml import json_value, nearest


class Part(BaseModel):
    """A mapping of the service file: immutable, and an unknown key is a mistake with a suggestion."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, data: Any) -> Any:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in data if isinstance(data, dict) else ():
            if key not in known:
                raise PydanticCustomError("unknown_key", "unknown key", {"key": key, "near": nearest(key, known)})
        return data


def _word_list(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"is one text; write the command as a list of words: [{', '.join(value.split())}]")
    return value


def _no_secrets(env: dict[str, str]) -> dict[str, str]:
    for name in env:
        if is_secret_name(name):
            raise ValueError(f"sets {name}, which looks like a secret; export it instead: commands inherit it")
    return env


def _account(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text):
        raise ValueError(f"{text!r} is no account id; it has twelve digits")
    return text


def _url(text: str) -> str:
    if not re.match(r"https?://.|\{", text):
        raise ValueError(f"{text!r} is no URL; start it with http:// or https://, or with a {{placeholder}}")
    return text


def _path(text: str) -> str:
    # The judge's side reads these paths; this says the same of their form without sharing its code.
    if not re.fullmatch(r"""\$(\.[A-Za-z_][\w-]*|\[(\d+|\*|"[^"]+"|'[^']+')\])*""", text):
        raise ValueError(f"{text!r} is no path into an answer; write $.name or $[*].id")
    return text


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
    if groups != 1:
        raise ValueError(f"{text!r} must have exactly one (group), around the version number")
    return text


JsonPathText = Annotated[str, AfterValidator(_path)]
Pattern = Annotated[str, AfterValidator(_pattern)]
JsonTemplate = Annotated[Json, BeforeValidator(json_value)]
Argv = Annotated[tuple[str, ...], BeforeValidator(_word_list), Field(min_length=1)]
Environment = Annotated[dict[str, str], AfterValidator(_no_secrets)]
AccountId = Annotated[str, AfterValidator(_account)]
Url = Annotated[str, AfterValidator(_url)]
HttpStatus = Annotated[int, Field(ge=100, le=599)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
