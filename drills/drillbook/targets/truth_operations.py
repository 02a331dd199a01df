"""Truth probes of what an operator relies on: keys, secrets, stacks, the audit trail, DNS and its health checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from drillbook.targets.truth import Clients, TruthProbe
from drillbook.targets.truth_probing import equals, expect, name_of, target, until

_INTERVAL, _THRESHOLD = 10, 1
_TRAIL = 300.0
"""AWS seconds until CloudTrail tells of a call."""


def _kms_disable(session: Clients) -> None:
    kms = session.client("kms")
    key = kms.create_key(Description=name_of("kms.disable"))["KeyMetadata"]["KeyId"]
    try:
        sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
        kms.disable_key(KeyId=key)
        for what, call in (
            ("Encrypt", lambda: kms.encrypt(KeyId=key, Plaintext=b"secret")),
            ("Decrypt", lambda: kms.decrypt(KeyId=key, CiphertextBlob=sealed)),
        ):
            expect(f"the answer to {what} with a disabled key", _refusal(call), "DisabledException")
        kms.enable_key(KeyId=key)
        expect("what is decrypted then", kms.decrypt(KeyId=key, CiphertextBlob=sealed)["Plaintext"], b"secret")
    finally:
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _rotation(session: Clients) -> None:
    secrets, name = session.client("secretsmanager"), name_of("secretsmanager.rotation")
    secrets.create_secret(Name=name, SecretString="before")
    try:
        refused = _refusal(lambda: secrets.rotate_secret(SecretId=name))
        expect("the answer to a rotation without a function", refused, "InvalidRequestException")
        expect("the secret then", secrets.get_secret_value(SecretId=name)["SecretString"], "before")
    finally:
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def _stacks(session: Clients) -> None:
    client, name = session.client("cloudformation"), name_of("cloudformation.truth")
    body = json.dumps({"Resources": {"Nothing": {"Type": "AWS::Example::Nothing"}}})
    try:
        made = client.create_stack(StackName=name, TemplateBody=body)["StackId"]
    except ClientError as refused:
        expect("the refusal of an unknown type", refused.response["Error"]["Code"], "ValidationError")
        return
    try:

        def status() -> str:
            return str(client.describe_stacks(StackName=made)["Stacks"][0]["StackStatus"])

        found = until("the stack's status", status, lambda seen: not seen.endswith("_IN_PROGRESS"))
        expect("the status of a stack with an unknown type", found, "ROLLBACK_COMPLETE")
    finally:
        client.delete_stack(StackName=made)


def _trail(session: Clients) -> None:
    trail, name = session.client("cloudtrail"), name_of("cloudtrail.lookup")
    session.client("sns").delete_topic(TopicArn=session.client("sns").create_topic(Name=name)["TopicArn"])
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "DeleteTopic"}]

    def told() -> bool:
        return any(name in event["CloudTrailEvent"] or _about(event, name) for event in _events(trail, wanted))

    until("the event of a call made", told, bool, timeout=5 + 2 * min(_TRAIL / session.speed, 10))


def _events(trail: Any, attributes: list[dict[str, str]]) -> list[dict[str, Any]]:
    return list(trail.lookup_events(LookupAttributes=attributes)["Events"])


def _about(event: dict[str, Any], name: str) -> bool:
    return any(name in str(each.get("ResourceName")) for each in event.get("Resources", ()))


def _health_checks(session: Clients) -> None:
    route53 = session.client("route53")
    with target() as endpoint:
        check = _check(route53, endpoint.port)
        try:
            until("the check of an endpoint that answers", lambda: _healthy(route53, check), bool)
            endpoint.status = 503
            until("the check of an endpoint that answers 503", lambda: not _healthy(route53, check), bool)
        finally:
            route53.delete_health_check(HealthCheckId=check)


def _dns(session: Clients) -> None:
    route53, name = session.client("route53"), f"{uuid4().hex[:8]}.example.com"
    zone = route53.create_hosted_zone(Name=name, CallerReference=uuid4().hex)["HostedZone"]["Id"]
    with target() as endpoint:
        check = _check(route53, endpoint.port)
        records = [
            _record(name, "192.0.2.1", SetIdentifier="one", Failover="PRIMARY", HealthCheckId=check),
            _record(name, "192.0.2.2", SetIdentifier="two", Failover="SECONDARY"),
        ]
        try:
            _change(route53, zone, "CREATE", records)
            until("the answer while the primary lives", lambda: _answer(route53, zone, name), equals(["192.0.2.1"]))
            endpoint.status = 503
            until("the answer once the primary fails", lambda: _answer(route53, zone, name), equals(["192.0.2.2"]))
        finally:
            _change(route53, zone, "DELETE", records)
            route53.delete_hosted_zone(Id=zone)
            route53.delete_health_check(HealthCheckId=check)


def _check(route53: Any, port: int) -> str:
    answer = route53.create_health_check(
        CallerReference=uuid4().hex,
        HealthCheckConfig={
            "Type": "HTTP",
            "IPAddress": "127.0.0.1",
            "Port": port,
            "ResourcePath": "/",
            "RequestInterval": _INTERVAL,
            "FailureThreshold": _THRESHOLD,
        },
    )
    return str(answer["HealthCheck"]["Id"])


def _healthy(route53: Any, check: str) -> bool:
    seen = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    said = [each["StatusReport"]["Status"] for each in seen]
    return bool(said) and all(each.startswith("Success") for each in said)


def _record(name: str, address: str, **more: str) -> dict[str, Any]:
    return {"Name": f"www.{name}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}], **more}


def _change(route53: Any, zone: str, action: str, records: list[dict[str, Any]]) -> None:
    changes = [{"Action": action, "ResourceRecordSet": record} for record in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _answer(route53: Any, zone: str, name: str) -> list[str]:
    return list(route53.test_dns_answer(HostedZoneId=zone, RecordName=f"www.{name}", RecordType="A")["RecordData"])


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "success"


_ROUTE53 = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide"
PROBES = {
    probe.capability: probe
    for probe in (
        TruthProbe(
            "kms.disable",
            "a disabled key neither encrypts nor decrypts"
            " (https://docs.aws.amazon.com/kms/latest/developerguide/enabling-keys.html)",
            _kms_disable,
        ),
        TruthProbe(
            "secretsmanager.rotation",
            "a rotation without a function is refused and leaves the secret alone"
            " (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html)",
            _rotation,
        ),
        TruthProbe(
            "cloudformation.truth",
            "a stack with a resource that cannot be made is not complete"
            " (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html)",
            _stacks,
        ),
        TruthProbe(
            "cloudtrail.lookup",
            "calls that were made can be looked up"
            " (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html)",
            _trail,
        ),
        TruthProbe(
            "route53.health_checks",
            f"a check says what its endpoint does ({_ROUTE53}/dns-failover-determining-health-of-endpoints.html)",
            _health_checks,
        ),
        TruthProbe(
            "route53.dns",
            f"a failover record answers with who is healthy ({_ROUTE53}/dns-failover-types.html)",
            _dns,
        ),
    )
}
