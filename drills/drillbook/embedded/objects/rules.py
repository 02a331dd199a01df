"""The replication configuration of a bucket: read, refused, told, and asked which rules an object falls under.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.s3.exceptions import MalformedXML, S3ClientError

_TOLD = ("ID", "Priority", "Prefix", "Status", "Destination", "SourceSelectionCriteria", "ExistingObjectReplication")


class InvalidRequest(S3ClientError):
    code = "InvalidRequest"


class InvalidArgument(S3ClientError):
    code = "InvalidArgument"


@dataclass(frozen=True)
class Rule:
    """One enabled rule. Of those with one destination, the highest priority counts."""

    id: str
    priority: int
    prefix: str
    tags: tuple[tuple[str, str], ...]
    destination: str
    """The name of the bucket."""
    storage_class: str | None
    kms_key: str | None
    """Objects that are encrypted with a KMS key are replicated, with this one, only if it is given."""
    delete_markers: bool
    metrics: bool

    def covers(self, name: str, tags: Mapping[str, str]) -> bool:
        return name.startswith(self.prefix) and all(tags.get(key) == value for key, value in self.tags)


def enabled_rules(configuration: dict[str, Any] | None) -> list[Rule]:
    """One for each destination at most comes first: by priority, highest first."""
    found = [_rule(rule) for rule in _rules(configuration or {}) if rule["Status"] == "Enabled"]
    return sorted(found, key=lambda rule: -rule.priority)


def refuse_malformed(configuration: dict[str, Any]) -> None:
    """Raises MalformedXML, InvalidRequest or InvalidArgument, as S3 does, for what can be seen in the document."""
    rules = _rules(configuration)
    if not rules or not configuration.get("Role"):
        raise MalformedXML
    for rule in rules:
        _refuse_rule(rule)
    ids = [rule["ID"] for rule in rules if "ID" in rule]
    if len(set(ids)) < len(ids):
        raise InvalidArgument("Rule Id must be unique. Found same ID for more than one rule.")
    priorities = [rule["Priority"] for rule in rules if "Filter" in rule]
    if len(set(priorities)) < len(priorities):
        raise InvalidRequest("Found duplicate priority in the replication rules: each rule must have its own.")


def _refuse_rule(rule: dict[str, Any]) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled") or not (rule.get("Destination") or {}).get("Bucket"):
        raise MalformedXML
    if not rule["Destination"]["Bucket"].startswith("arn:"):
        raise InvalidArgument("Invalid bucket ARN.")
    if "Filter" not in rule:
        return
    for needed in ("Priority", "DeleteMarkerReplication"):
        if needed not in rule:
            raise InvalidRequest(
                f"{needed} must be specified for this version of Cross Region Replication configuration schema. "
                "Please refer to S3 Developer Guide for more information."
            )
    if _tags(rule) and _deletes(rule):
        raise InvalidRequest(
            "Delete marker replication is not supported if any Tag filter is specified. "
            "Please refer to S3 Developer Guide for more information."
        )


def destinations(configuration: dict[str, Any]) -> list[str]:
    return [_destination(rule) for rule in _rules(configuration)]


def described(configuration: dict[str, Any]) -> dict[str, Any]:
    """What GetBucketReplication answers."""
    return {"Role": configuration["Role"], "Rules": [_described(rule) for rule in _rules(configuration)]}


def _described(rule: dict[str, Any]) -> dict[str, Any]:
    told = {name: rule[name] for name in _TOLD if rule.get(name) is not None}
    if "Filter" not in rule:
        return {"Prefix": ""} | told
    told["DeleteMarkerReplication"] = rule["DeleteMarkerReplication"]
    tags = [{"Key": key, "Value": value} for key, value in _tags(rule)]
    if "And" in (rule["Filter"] or {}):
        told["Filter"] = {"And": {"Prefix": _prefix(rule), "Tags": tags}}
    else:
        told["Filter"] = {"Tag": tags[0]} if tags else {"Prefix": _prefix(rule)}
    return told


def _rules(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    rules = configuration.get("Rule") or []
    return [rules] if isinstance(rules, dict) else list(rules)


def _rule(rule: dict[str, Any]) -> Rule:
    target: dict[str, Any] = rule["Destination"]
    criteria = (rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}
    encryption = target.get("EncryptionConfiguration") or {}
    return Rule(
        rule["ID"],
        int(rule["Priority"]),
        _prefix(rule),
        _tags(rule),
        _destination(rule),
        target.get("StorageClass"),
        encryption.get("ReplicaKmsKeyID") if criteria.get("Status") == "Enabled" else None,
        _deletes(rule),
        (target.get("Metrics") or {}).get("Status") == "Enabled",
    )


def _destination(rule: dict[str, Any]) -> str:
    return str(rule["Destination"]["Bucket"]).rpartition(":")[2]


def _condition(rule: dict[str, Any]) -> dict[str, Any]:
    """The whole of a rule's filter, which is at one of three places."""
    if "Filter" not in rule:
        return {"Prefix": rule.get("Prefix")}
    given: dict[str, Any] = rule["Filter"] or {}
    return given.get("And") or given


def _prefix(rule: dict[str, Any]) -> str:
    return _condition(rule).get("Prefix") or ""


def _tags(rule: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    tags = _condition(rule).get("Tag") or []
    return tuple((tag["Key"], tag.get("Value") or "") for tag in ([tags] if isinstance(tags, dict) else tags))


def _deletes(rule: dict[str, Any]) -> bool:
    """Rules of the first version, which have no filter, replicate delete markers; others if they say so.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-marker-replication.html
    """
    return "Filter" not in rule or (rule.get("DeleteMarkerReplication") or {}).get("Status") == "Enabled"
