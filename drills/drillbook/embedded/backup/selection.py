"""Which resources a plan's selections mean.

https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any


def selects(selection: dict[str, Any], arn: str, tags: dict[str, str]) -> bool:
    """Named by ARN or by one of the tags, not excluded, and every condition holds."""
    if _named(arn, selection.get("NotResources")):
        return False
    listed = selection.get("ListOfTags") or []
    conditions = selection.get("Conditions") or {}
    by_tag = any(tags.get(one["ConditionKey"]) == one["ConditionValue"] for one in listed)
    chosen = _named(arn, selection.get("Resources")) or by_tag
    return (chosen or not (selection.get("Resources") or listed)) and _all_hold(conditions, tags)


def _named(arn: str, patterns: Iterable[str] | None) -> bool:
    return any(fnmatchcase(arn, _literal(pattern)) for pattern in patterns or ())


def _all_hold(conditions: dict[str, list[dict[str, str]]], tags: dict[str, str]) -> bool:
    return all(_holds(operator, one, tags) for operator, those in conditions.items() for one in those or ())


def _holds(operator: str, condition: dict[str, str], tags: dict[str, str]) -> bool:
    value = tags.get(condition["ConditionKey"].removeprefix("aws:ResourceTag/"))
    wanted = condition["ConditionValue"]
    match operator:
        case "StringEquals":
            return value == wanted
        case "StringNotEquals":
            return value != wanted
        case "StringLike":
            return value is not None and fnmatchcase(value, _literal(wanted))
        case _:
            return value is None or not fnmatchcase(value, _literal(wanted))


def _literal(pattern: str) -> str:
    """Only the asterisk is a wildcard."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
