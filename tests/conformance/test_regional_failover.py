"""A region is lost: DNS leads to the other one, which has the data; and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for
from drillbook.web.connection import Connection
from drillbook.web.resolver import resolver_of

from .conftest import HERE, THERE, Breaking, Endpoint
from .dns_client import make_zone
from .serverless import get, host_of, make_api, make_function

Client = Callable[..., Any]
INTERVAL, THRESHOLD, TTL = 30, 3, 60
"""AWS seconds. An alias to API Gateway has a time to live of 60 s."""
NAME = "api.failover.example.com"
CONNECT = 4
"""AWS seconds after which a checker gives up connecting."""
PATIENCE, MARGIN, COLD = 0.5, 1.0, 20.0
"""Seconds: what the client waits for an answer; what a busy machine may add; and what functions may take to start anew
in the region that is back, which is not counted."""
NOTES = """
import json, os
def handler(event, context):
    path, region = event["path"], os.environ["AWS_REGION"]
    if path == "/health":
        return {"statusCode": 200, "body": "well"}
    import boto3
    table, key = boto3.resource("dynamodb").Table("failover-notes"), {"id": path.rpartition("/")[2]}
    if event["httpMethod"] == "PUT":
        table.put_item(Item={**key, "by": region})
    found = table.get_item(Key=key, ConsistentRead=True).get("Item")
    return {"statusCode": 200 if found else 404, "body": json.dumps({"region": region, "item": found})}
"""
clock = SystemClock()


@dataclass(frozen=True)
class Shop:
    """The service as its customers meet it: a name, and a resolver that keeps answers for their time to live."""

    endpoint: Endpoint
    resolver: str
    apis: dict[str, str]
    """By region."""
    checks: tuple[str, ...]
    route53: Any

    @property
    def least(self) -> float:
        """Seconds that a health check needs for its threshold: the first probe may come at once."""
        return 0.9 * self.endpoint.aws_seconds((THRESHOLD - 1) * INTERVAL)

    @property
    def most(self) -> float:
        """Seconds after which every client has left: each probe comes an interval after the one before has given up,
        an answer of DNS is kept for its time to live, and a request that has just begun waits in vain."""
        return self.endpoint.aws_seconds(THRESHOLD * (INTERVAL + CONNECT) + TTL) + PATIENCE

    @property
    def told(self) -> str:
        return f"{THRESHOLD} × ({INTERVAL} + {CONNECT}) s + TTL {TTL} s = {self.most - PATIENCE:.2f} s at this speed"

    def until_ready(self, region: str, path: str, timeout: float) -> None:
        """Until the service of this region itself has the item, whatever DNS says."""
        host = host_of(self.apis[region], region)
        wait_for(
            f"{path} in {region}",
            lambda: get(self.endpoint, host, f"/prod{path}")[0] == 200,
            timeout=timeout,
            interval=0.02,
            clock=clock,
        )

    def until_well(self) -> None:
        """Until every checker's last probe was a success: a failure before would count towards the threshold."""
        wait_for("checks without a failure", lambda: all(map(self._well, self.checks)), timeout=20, clock=clock)

    def _well(self, check: str) -> bool:
        seen = self.route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return bool(seen) and all(one["StatusReport"]["Status"].startswith("Success") for one in seen)

    def ask(self, path: str, method: str = "GET", timeout: float = PATIENCE) -> tuple[int, dict[str, Any]]:
        """Status and answer; 0 if there is none in time."""
        url = urlsplit(f"http://{NAME}{path}")
        connection = Connection(url, resolver_of(self.resolver, clock), timeout, None)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    def until_answered_by(self, region: str, path: str, timeout: float, patience: float = PATIENCE) -> float:
        """Seconds until ``region`` gives the item at ``path``, to a client that waits so long for each answer."""
        began = clock.monotonic()
        wait_for(
            f"an answer from {region}",
            lambda: self.ask(path, timeout=patience),
            until=lambda told: told[0] == 200 and told[1]["region"] == region,
            timeout=timeout,
            interval=0.02,
            clock=clock,
        )
        return clock.monotonic() - began


@pytest.fixture
def shop(endpoint: Endpoint, client: Client) -> Iterator[Shop]:
    make_table(client)
    zone = make_zone(endpoint, client, "failover.example.com")
    apis = {region: make_service(client, region) for region in (HERE, THERE)}
    records = [failover_record(client, region, api) for region, api in apis.items()]
    zone.put(*records)
    port = urlsplit(endpoint.url).port
    checks = tuple(record["HealthCheckId"] for record in records)
    yield Shop(
        endpoint,
        f"dns://{endpoint.status('dns')['address']}?port={port}&speed={endpoint.speed:g}",
        apis,
        checks,
        client("route53"),
    )
    for check in checks:
        client("route53").delete_health_check(HealthCheckId=check)


def make_table(client: Client) -> None:
    client("dynamodb").create_table(
        TableName="failover-notes",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client("dynamodb").get_waiter("table_exists").wait(TableName="failover-notes")
    client("dynamodb").update_table(TableName="failover-notes", ReplicaUpdates=[{"Create": {"RegionName": THERE}}])
    client("dynamodb", THERE).get_waiter("table_exists").wait(TableName="failover-notes")


def make_service(client: Client, region: str) -> str:
    """A function and its API, whose id this is."""
    return make_api(client, "notes", make_function(client, "notes", NOTES, region), region)


def failover_record(client: Client, region: str, api: str) -> dict[str, Any]:
    """A custom domain name in one region, its health check, and the record that leads there."""
    gateway, route53 = client("apigateway", region), client("route53")
    domain = gateway.create_domain_name(
        domainName=NAME,
        regionalCertificateArn=f"arn:aws:acm:{region}:111122223333:certificate/11111111-2222-3333-4444-555555555555",
        endpointConfiguration={"types": ["REGIONAL"]},
    )
    gateway.create_base_path_mapping(domainName=NAME, restApiId=api, stage="prod")
    config = {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": f"{api}.execute-api.{region}.amazonaws.com",
        "ResourcePath": "/prod/health",
        "RequestInterval": INTERVAL,
        "FailureThreshold": THRESHOLD,
    }
    check = route53.create_health_check(CallerReference=uuid4().hex, HealthCheckConfig=config)["HealthCheck"]["Id"]
    return {
        "Name": NAME,
        "Type": "A",
        "SetIdentifier": region,
        "Failover": "PRIMARY" if region == HERE else "SECONDARY",
        "HealthCheckId": check,
        "AliasTarget": {
            "HostedZoneId": domain["regionalHostedZoneId"],
            "DNSName": domain["regionalDomainName"],
            "EvaluateTargetHealth": False,
        },
    }


@pytest.mark.rule(
    "after a region is lost, clients reach the other one within interval × threshold + TTL, and return likewise",
    "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html",
)
def test_a_lost_region_is_left_within_its_checks_and_ttl(shop: Shop, client: Client, breaking: Breaking) -> None:
    wait_for("the first write", lambda: shop.ask("/notes/before", "PUT", 10)[0] == 200, timeout=20, clock=clock)
    assert shop.ask("/notes/before", timeout=10)[1] == {"region": HERE, "item": {"id": "before", "by": HERE}}
    shop.until_ready(THERE, "/notes/before", timeout=20)

    shop.until_well()
    breaking.region(HERE)
    lost = clock.monotonic()
    assert shop.ask("/notes/before")[0] == 0, "the resolver still leads to the lost region"
    shop.until_answered_by(THERE, "/notes/before", shop.most + MARGIN)
    gone = clock.monotonic() - lost
    assert shop.least <= gone <= shop.most + MARGIN, f"{gone:.2f} s; {shop.told}"
    assert shop.ask("/notes/during", "PUT", 10) == (200, {"region": THERE, "item": {"id": "during", "by": THERE}})

    mended = clock.monotonic()
    breaking.mend()
    shop.until_ready(HERE, "/notes/during", timeout=COLD)
    ready = clock.monotonic()
    shop.until_answered_by(HERE, "/notes/during", shop.most + MARGIN, patience=10)
    back = clock.monotonic()
    assert back - mended >= shop.least, f"{back - mended:.2f} s; {shop.told}"
    assert back - ready <= shop.most + MARGIN, f"{back - ready:.2f} s after its functions had started; {shop.told}"
