"""Types that lead to a service: Route 53.

Properties and return values: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from drillbook.embedded.stacks.kind import Call, Kind, Properties

_ZONE = Kind(
    "route53",
    "create_hosted_zone",
    lambda answer: str(answer["HostedZone"]["Id"]).rpartition("/")[2],
    Call("delete_hosted_zone", "{Id: id}"),
    shape=lambda properties: {"CallerReference": str(uuid4()), **properties},
)
_HEALTH_CHECK = Kind(
    "route53",
    "create_health_check",
    "answer.HealthCheck.Id",
    Call("delete_health_check", "{HealthCheckId: id}"),
    shape=lambda properties: {"CallerReference": str(uuid4()), **properties},
    attributes="{HealthCheckId: id}",
    ignored=frozenset({"HealthCheckTags"}),
)


def _change(action: str, properties: Properties) -> Properties:
    record = {name: value for name, value in properties.items() if name not in ("HostedZoneId", "Comment")}
    if "ResourceRecords" in record:
        record["ResourceRecords"] = [{"Value": value} for value in record["ResourceRecords"]]
    if "AliasTarget" in record:
        # A template writes DNSName and HostedZoneId as the API does, but may leave this out.
        record["AliasTarget"] = {"EvaluateTargetHealth": False, **record["AliasTarget"]}
    changes: list[dict[str, Any]] = [{"Action": action, "ResourceRecordSet": record}]
    return {"HostedZoneId": properties["HostedZoneId"], "ChangeBatch": {"Changes": changes}}


_RECORD = Kind(
    "route53",
    "change_resource_record_sets",
    "properties.Name",
    Call("change_resource_record_sets", lambda properties: _change("DELETE", properties)),
    shape=lambda properties: _change("CREATE", properties),
    update="change_resource_record_sets",
    update_given=lambda properties: _change("UPSERT", properties),
    keep=frozenset({"HostedZoneId", "Name", "Type", "SetIdentifier"}),
)
KINDS = {
    "AWS::Route53::HostedZone": _ZONE,
    "AWS::Route53::HealthCheck": _HEALTH_CHECK,
    "AWS::Route53::RecordSet": _RECORD,
}
